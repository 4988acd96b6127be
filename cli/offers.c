/*
 * offers.c - what the demo's shop offers in return for data.
 */
#include <stddef.h>

#include "cli/made.h"

#define NEWS	"\"asks\":{\"fields\":[\"email\"],\"purposes\":[\"marketing\"]}," \
	"\"purpose\":\"marketing\",\"channel\":\"email\","
#define KEPT	"\"withdrawal\":{\"takes_back\":false,\"text\":{" \
	"\"en\":\"You keep what you were given.\"," \
	"\"es\":\"Conserva lo que se le dio.\"}}"

const char *const rsg_made_offers[] = {
	"{\"name\":\"welcome-200\",\"kind\":\"points\",\"points\":200,"
	"\"title\":{\"en\":\"200 points for news by e-mail\","
	"\"es\":\"200 puntos por recibir novedades por correo\"},"
	"\"summary\":{\"en\":\"Let us write to you and get 200 points, once.\","
	"\"es\":\"Permita que le escribamos y reciba 200 puntos, una vez.\"},"
	"\"terms\":{\"en\":\"Within 30 days of your yes. They lapse after two years. "
	"You can withdraw at any time, at the till, by letter or in your account.\","
	"\"es\":\"En 30 días desde su sí. Caducan a los dos años. Puede retirarlo "
	"cuando quiera, en la caja, por carta o en su cuenta.\"},"
	NEWS "\"value\":\"2.00\",\"deliver_days\":30,\"valid_days\":730,"
	"\"estimate\":{\"value\":\"3.00\",\"method\":\"marginal_value\"}," KEPT "}",

	"{\"name\":\"batteries\",\"kind\":\"gift\","
	"\"title\":{\"en\":\"Two batteries a month\",\"es\":\"Dos pilas al mes\"},"
	"\"summary\":{\"en\":\"Two batteries a month while we may write to you.\","
	"\"es\":\"Dos pilas al mes mientras podamos escribirle.\"},"
	"\"terms\":{\"en\":\"In any of our shops, two in each calendar month.\","
	"\"es\":\"En cualquiera de nuestras tiendas, dos en cada mes natural.\"},"
	NEWS "\"value\":\"0.80\",\"recurrence\":{\"times\":2,\"per\":\"month\"},"
	"\"valid_days\":60," KEPT "}",

	"{\"name\":\"mug\",\"kind\":\"gift\",\"price_points\":500,"
	"\"title\":{\"en\":\"A mug\",\"es\":\"Una taza\"},"
	"\"summary\":{\"en\":\"For 500 points.\",\"es\":\"Por 500 puntos.\"},"
	"\"terms\":{\"en\":\"While there are any.\",\"es\":\"Hasta agotar existencias.\"},"
	"\"asks\":{},\"purpose\":\"rewards\",\"value\":\"4.00\","
	"\"recurrence\":{\"times\":12,\"per\":\"year\"}," KEPT "}",
	NULL
};
