#include "ops/reportwords.h"

#include <string.h>

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

#define PURPOSE		{ RSG_F_PURPOSE, { "the purpose", "la finalidad" } }
#define CHANNEL		{ RSG_F_CHANNEL, { "the channel; empty: all of it", \
	"el canal; vacío: en general" } }
#define INCENTIVE	{ RSG_F_INCENTIVE, { "what was offered, and its version", \
	"qué se ofreció, y su versión" } }
#define CURRENCY	{ RSG_F_CURRENCY, { "of the amounts, which have its decimals", \
	"de los importes, que llevan sus decimales" } }
#define PEOPLE		{ RSG_F_PEOPLE, { "how many different people", \
	"cuántas personas distintas" } }

static const struct rsg_reportcolumn consents[] = {
	PURPOSE, CHANNEL,
	{ RSG_F_STATUS, { "what they say now", "lo que dicen ahora" } },
	{ RSG_F_COUNT, { "how many people", "cuántas personas" } },
};

static const struct rsg_reportcolumn again[] = {
	{ RSG_F_PERIOD, { "the month in which it ends; empty: at no set time",
	    "el mes en que termina; vacío: sin fecha" } },
	PURPOSE, CHANNEL,
	{ RSG_F_STATUS, { "why: expired, given (it ends soon), requested (a new notice asks)",
	    "por qué: expired (venció), given (vence pronto), requested (un aviso nuevo lo pide)" } },
	{ RSG_F_COUNT, { "how many people", "cuántas personas" } },
};

static const struct rsg_reportcolumn history[] = {
	{ RSG_F_PERIOD, { "the month of the answer", "el mes de la respuesta" } },
	PURPOSE, CHANNEL,
	{ RSG_F_STATUS, { "what was said", "qué se dijo" } },
	{ RSG_F_SOURCE, { "where it came from", "de dónde vino" } },
	{ RSG_F_NOTICE, { "the notice shown, and its version",
	    "el aviso mostrado, y su versión" } },
	{ RSG_F_COUNT, { "how many answers", "cuántas respuestas" } },
};

static const struct rsg_reportcolumn withdrawals[] = {
	{ RSG_F_PERIOD, { "the month of the no", "el mes del no" } },
	PURPOSE,
	{ RSG_F_STATUS, { "withdrawn, or objected", "withdrawn (retirado) u objected (oposición)" } },
	INCENTIVE,
	{ RSG_F_WITHIN, { "the no came at most so many days after the delivery (1, 7, 30, 90, 365); empty: later",
	    "el no llegó como mucho tantos días después de la entrega (1, 7, 30, 90, 365); vacío: más tarde" } },
	{ RSG_F_COUNT, { "how many benefits", "cuántas ventajas" } },
	PEOPLE,
	{ RSG_F_COST, { "what they had cost by then", "lo que habían costado hasta entonces" } },
	CURRENCY,
};

static const struct rsg_reportcolumn value[] = {
	{ RSG_F_PERIOD, { "the month in which it happened", "el mes en que ocurrió" } },
	PURPOSE,
	{ RSG_F_STATUS, { "what became of the benefit; in a total, delivered ones count",
	    "qué fue de la ventaja; en un total cuentan las entregadas" } },
	INCENTIVE,
	{ RSG_F_COUNT, { "how many benefits", "cuántas ventajas" } },
	PEOPLE,
	{ RSG_F_COST, { "what was given: coupons and discounts when used, all else when delivered, less what was taken back",
	    "lo que se dio: cupones y descuentos al usarse, lo demás al entregarse, menos lo recuperado" } },
	{ RSG_F_ESTIMATE, { "what the incentive says the data is worth, once for each delivered",
	    "lo que el incentivo dice que valen los datos, una vez por cada entregada" } },
	{ RSG_F_ESTIMATE_METHOD, { "how that was estimated", "cómo se estimó" } },
	{ RSG_F_RATIO, { "in a total: cost divided by estimate, of incentives that have one; 1.00: as much as the data is worth",
	    "en un total: coste entre estimación, de incentivos que la tienen; 1.00: tanto como valen los datos" } },
	CURRENCY,
};

static const struct rsg_reportcolumn promises[] = {
	{ RSG_F_PERIOD, { "the month in which it was due", "el mes en que vencía" } },
	PURPOSE,
	{ RSG_F_STATUS, { "kept, late, overdue, waiting, gone (taken back)",
	    "kept (cumplida), late (tarde), overdue (vencida), waiting (pendiente), gone (retirada)" } },
	INCENTIVE,
	{ RSG_F_COUNT, { "how many promises", "cuántas promesas" } },
	PEOPLE,
	{ RSG_F_COST, { "what they are worth", "lo que valen" } },
	CURRENCY,
};

static const struct rsg_reportcolumn profitability[] = {
	{ RSG_F_PERIOD, { "the month", "el mes" } },
	{ RSG_F_COUNT, { "how many purchases (documents)", "cuántas compras (documentos)" } },
	PEOPLE,
	{ RSG_F_NET, { "purchases less returns", "compras menos devoluciones" } },
	{ RSG_F_COST_GOODS, { "what the goods cost, less those that came back",
	    "lo que costaron los artículos, menos los devueltos" } },
	{ RSG_F_COST_BENEFITS, { "what benefits and points cost, less what was taken back",
	    "lo que costaron ventajas y puntos, menos lo recuperado" } },
	{ RSG_F_MARGIN, { "net less both costs; below zero is normal",
	    "neto menos ambos costes; bajo cero es normal" } },
	CURRENCY,
};

static const struct rsg_reportcolumn over[] = {
	{ RSG_F_PERIOD, { "the month in which it happened", "el mes en que ocurrió" } },
	PURPOSE,
	{ RSG_F_STATUS, { "what became of what was too many",
	    "qué fue de lo que era de más" } },
	INCENTIVE,
	{ RSG_F_COUNT, { "how many benefits; in a total those delivered",
	    "cuántas ventajas; en un total las entregadas" } },
	PEOPLE,
	{ RSG_F_COST, { "what they cost", "lo que costaron" } },
	CURRENCY,
};

static const struct rsg_reportwords reports[] = {
	{ "consents", { "What people say now", "Lo que dicen las personas ahora" },
	    consents, COUNT(consents) },
	{ "ask-again", { "People to ask again", "Personas a quienes volver a preguntar" },
	    again, COUNT(again) },
	{ "consent-history", { "Answers over time", "Respuestas a lo largo del tiempo" },
	    history, COUNT(history) },
	{ "withdrawals", { "Who took a benefit and then said no",
	    "Quién recibió una ventaja y después dijo no" },
	    withdrawals, COUNT(withdrawals) },
	{ "value", { "Value given against the estimated value of the data",
	    "Valor entregado frente al valor estimado de los datos" }, value, COUNT(value) },
	{ "promises", { "Promises, and how they were kept",
	    "Promesas, y cómo se cumplieron" }, promises, COUNT(promises) },
	{ "profitability", { "What people brought in, less what they cost",
	    "Lo que aportaron las personas, menos lo que costaron" },
	    profitability, COUNT(profitability) },
	{ "over-limit", { "Brought in, and given more often than the incentive says",
	    "Importado, y entregado más veces de las que dice el incentivo" },
	    over, COUNT(over) },
};

const struct rsg_reportwords *
rsg_reportwords(const char *name)
{
	for (size_t i = 0; i < COUNT(reports); i++)
		if (strcmp(reports[i].name, name) == 0)
			return &reports[i];
	return NULL;
}

bool
rsg_reportwords_has(const struct rsg_reportwords *w, enum rsg_field f)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->column[i].field == f)
			return true;
	return false;
}
