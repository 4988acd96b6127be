#include "cli/words.h"

#define LIST(name, ...)							\
	static const char *const name##_list[] = { __VA_ARGS__ };	\
	const struct rsg_words rsg_words_##name = { name##_list,	\
	    sizeof(name##_list) / sizeof(name##_list[0]) }

LIST(women, "Adriana", "Alba", "Alejandra", "Alicia", "Ana", "Ángela", "Beatriz",
    "Carmen", "Carolina", "Claudia", "Cristina", "Daniela", "Elena", "Fernanda",
    "Gabriela", "Guadalupe", "Inés", "Irene", "Isabel", "Itzel", "Julia", "Laura",
    "Leticia", "Lorena", "Lucía", "Luz María", "Marina", "Marta", "Mónica",
    "Natalia", "Noelia", "Nuria", "Paola", "Patricia", "Pilar", "Raquel", "Regina",
    "Rocío", "Rosa", "Sara", "Silvia", "Sofía", "Teresa", "Valeria", "Verónica",
    "Ximena", "Yolanda");
LIST(men, "Adrián", "Agustín", "Alberto", "Alejandro", "Álvaro", "Andrés", "Antonio",
    "Arturo", "Carlos", "César", "Daniel", "David", "Diego", "Eduardo", "Emilio",
    "Enrique", "Felipe", "Fernando", "Francisco", "Gerardo", "Gonzalo", "Héctor",
    "Hugo", "Ignacio", "Iván", "Javier", "Jesús", "Joaquín", "Jorge", "José Luis",
    "Juan", "Julio", "Luis", "Manuel", "Marcos", "Mario", "Miguel Ángel", "Óscar",
    "Pablo", "Pedro", "Rafael", "Raúl", "Ricardo", "Roberto", "Rubén", "Salvador",
    "Santiago", "Sergio", "Tomás", "Víctor");
LIST(surnames, "Aguilar", "Alonso", "Álvarez", "Blanco", "Cabrera", "Calderón",
    "Campos", "Cano", "Castillo", "Castro", "Contreras", "Cortés", "Cruz", "Delgado",
    "Díaz", "Domínguez", "Espinosa", "Fernández", "Flores", "Fuentes", "Gallego",
    "García", "Garrido", "Gil", "Gómez", "González", "Guerrero", "Gutiérrez",
    "Hernández", "Herrera", "Iglesias", "Jiménez", "Juárez", "León", "López",
    "Lozano", "Marín", "Martín", "Martínez", "Medina", "Méndez", "Mendoza", "Molina",
    "Montes", "Mora", "Morales", "Moreno", "Muñoz", "Navarro", "Núñez", "Ortega",
    "Ortiz", "Peña", "Pérez", "Prieto", "Ramírez", "Ramos", "Reyes", "Ríos",
    "Rivera", "Rodríguez", "Rojas", "Romero", "Rubio", "Ruiz", "Salazar", "Sánchez",
    "Santos", "Sanz", "Serrano", "Soto", "Suárez", "Torres", "Vargas", "Vázquez",
    "Vega", "Velázquez", "Vidal", "Zamora");
LIST(streets, "Calle Mayor", "Avenida de la Paz", "Calle Nueva", "Paseo del Río",
    "Calle del Sol", "Avenida Hidalgo", "Calle Real", "Plaza de la Fuente",
    "Calle de los Olivos", "Avenida Juárez", "Calle del Mercado", "Camino Viejo");
LIST(interests, "clothing", "shoes", "home", "garden", "food", "beauty", "toys");
LIST(items, "basico", "clasico", "oferta", "temporada", "regalo", "novedad");

const struct rsg_city rsg_words_spain[] = {
	{ "Madrid", "ES-MD", "28" }, { "Barcelona", "ES-CT", "08" },
	{ "Valencia", "ES-VC", "46" }, { "Sevilla", "ES-AN", "41" },
	{ "Málaga", "ES-AN", "29" }, { "Zaragoza", "ES-AR", "50" },
	{ "Bilbao", "ES-PV", "48" }, { "Murcia", "ES-MC", "30" },
	{ "Palma", "ES-IB", "07" }, { "Valladolid", "ES-CL", "47" },
	{ "A Coruña", "ES-GA", "15" }, { "Oviedo", "ES-AS", "33" },
};
const size_t rsg_words_nspain = sizeof(rsg_words_spain) / sizeof(rsg_words_spain[0]);

const struct rsg_city rsg_words_mexico[] = {
	{ "Ciudad de México", "MX-CMX", "06" }, { "Guadalajara", "MX-JAL", "44" },
	{ "Monterrey", "MX-NLE", "64" }, { "Puebla", "MX-PUE", "72" },
	{ "Querétaro", "MX-QUE", "76" }, { "Mérida", "MX-YUC", "97" },
	{ "León", "MX-GUA", "37" }, { "Tijuana", "MX-BCN", "22" },
	{ "Veracruz", "MX-VER", "91" }, { "Oaxaca", "MX-OAX", "68" },
};
const size_t rsg_words_nmexico = sizeof(rsg_words_mexico) / sizeof(rsg_words_mexico[0]);

const char *const rsg_words_notice[2][2] = {
	{ "Aviso de privacidad de Tiendas Resguardo (demo)\n\n"
	  "Para llevar su cuenta, anotar sus compras, darle sus puntos y atender sus\n"
	  "pedidos usamos los datos que nos da; sin eso no hay programa.\n\n"
	  "Solo si usted lo acepta: le enviamos novedades por los medios que elija,\n"
	  "elegimos ofertas para usted, agrupamos a los clientes sin su nombre, le\n"
	  "mostramos nuestros anuncios en otros sitios, hacemos estudios de mercado y\n"
	  "señalamos lo que puede comer. Puede retirarlo cuando quiera, con un solo\n"
	  "gesto y sin perder lo ganado.\n",
	  "Usamos sus datos para su cuenta y sus puntos. Lo demás lo elige usted, y\n"
	  "puede cambiar de idea cuando quiera.\n" },
	{ "Privacy notice of Tiendas Resguardo (demo)\n\n"
	  "To keep your account, note your purchases, give you your points and see to\n"
	  "your orders we use the data that you give us; without it there is no\n"
	  "programme.\n\n"
	  "Only if you agree: we send you news by the ways you choose, choose offers\n"
	  "for you, group customers without their names, show you our advertisements\n"
	  "elsewhere, do market research, and mark what you can eat. You can withdraw\n"
	  "at any time, in one step, and keep what you have earned.\n",
	  "We use your data for your account and your points. The rest is your choice,\n"
	  "and you can change your mind at any time.\n" },
};
