#include "messenger.h"

#include "apr_strings.h"

#include "bot.h"
#include "bot_answer.h"
#include "bot_api.h"
#include "chat.h"
#include "clock.h"
#include "delivery.h"
#include "mute.h"
#include "poller.h"

struct messenger_t {
    bot_api_t api;
    chat_t chat;
    mute_t mute;
    bot_t *bot;
    bot_answer_t *answers;
    delivery_t *delivery;
    poller_t *poller; /* NULL = Telegram is off */
};

static bool count(void *ctx, census_t *out)
{
    messenger_t *messenger = ctx;

    return bot_answer_count(messenger->answers, out);
}

static char *answer(void *ctx, char out[TEXT_SIZE], const question_t *question, text_form_t form)
{
    messenger_t *messenger = ctx;

    return bot_answer_write(messenger->answers, out, question, bot_name(messenger->bot), form,
                            clock_wall() / CLOCK_SECOND);
}

static void listen_to_chat(messenger_t *messenger, const config_t *config, store_t *store,
                           apr_pool_t *pool)
{
    const bot_setup_t bot = {&messenger->chat, &messenger->mute, store};
    poller_setup_t poller = {.api = &messenger->api, .store = store};

    chat_recall(&messenger->chat, config->telegram_chat, store);
    mute_recall(&messenger->mute, store);
    messenger->bot = bot_create(&bot, pool);
    messenger->answers = bot_answer_create(&messenger->mute, pool);
    poller.bot = messenger->bot;
    messenger->poller = poller_create(&poller, pool);
}

messenger_t *messenger_create(const config_t *config, store_t *store, transfers_t *transfers,
                              void (*delivered)(void *ctx), void *ctx, apr_pool_t *pool)
{
    messenger_t *messenger = apr_pcalloc(pool, sizeof(*messenger));
    const bool is_on = config->telegram == CONFIG_TELEGRAM_ON;
    const delivery_setup_t delivery = {
        .api = is_on ? &messenger->api : NULL,
        .thread = config->quantities[CONFIG_TELEGRAM_THREAD],
        .flap_threshold = (unsigned int)config->quantities[CONFIG_FLAP_THRESHOLD],
        .store = store,
        .chat = &messenger->chat,
        .mute = &messenger->mute,
        .count = count,
        .answer = answer,
        .delivered = delivered,
        .ctx = messenger,
        .delivered_ctx = ctx,
    };

    messenger->api = (bot_api_t){config->telegram_base, config->telegram_token, transfers};
    if (is_on) {
        listen_to_chat(messenger, config, store, pool);
    }
    messenger->delivery = delivery_create(&delivery, pool);
    return messenger;
}

bool messenger_is_on(const messenger_t *messenger)
{
    return delivery_is_on(messenger->delivery);
}

int64_t messenger_tend(messenger_t *messenger, int64_t now)
{
    const int64_t sending = delivery_tend(messenger->delivery, now);
    const int64_t polling =
        messenger->poller != NULL ? poller_tend(messenger->poller, now) : INT64_MAX;

    return sending < polling ? sending : polling;
}

bool messenger_is_sending(const messenger_t *messenger)
{
    return delivery_is_busy(messenger->delivery);
}

void messenger_tell(const messenger_t *messenger, vitals_t *vitals)
{
    delivery_tell(messenger->delivery, vitals);
    apr_cpystrn(vitals->bot_error, messenger->poller != NULL ? poller_error(messenger->poller) : "",
                sizeof(vitals->bot_error));
}
