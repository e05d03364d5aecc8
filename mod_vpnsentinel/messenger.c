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
    store_t *store;
    bot_api_t api;
    chat_t chat;
    mute_t mute;
    bool is_mute_known; /* it is not just what nobody could be asked for */
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

/* --- what outlives this monitor --- */

static void ignore_result(void *unused, store_result_t result)
{
    (void)unused;
    (void)result; /* what did not go is in the vitals */
}

static bool has_disk(const messenger_t *messenger)
{
    return store_state(messenger->store) == STORE_OK;
}

/* The store's word counts, unless the mute was changed when that had no disk. */
static void recall_mute(messenger_t *messenger, const vitals_t *before)
{
    if (!before->is_mute_kept) {
        mute_recall(&messenger->mute, messenger->store);
        messenger->is_mute_known = has_disk(messenger);
        return;
    }
    messenger->mute = (mute_t){before->mute_since, before->mute_until};
    messenger->is_mute_known = true;
    mute_put(&messenger->mute, messenger->store);
    store_commit(messenger->store, ignore_result, NULL);
}

static void tell_mute(const messenger_t *messenger, vitals_t *vitals)
{
    vitals->is_mute_kept =
        !has_disk(messenger) && (messenger->is_mute_known || messenger->mute.since != 0);
    vitals->mute_since = messenger->mute.since;
    vitals->mute_until = messenger->mute.until;
}

void messenger_recall(messenger_t *messenger)
{
    if (messenger->poller != NULL) {
        chat_recall(&messenger->chat, messenger->chat.configured, messenger->store);
        mute_recall(&messenger->mute, messenger->store);
        messenger->is_mute_known = has_disk(messenger);
    }
}

/* --- what it is made of --- */

static void listen_to_chat(messenger_t *messenger, const config_t *config, const vitals_t *before,
                           apr_pool_t *pool)
{
    store_t *store = messenger->store;
    const bot_setup_t bot = {&messenger->chat, &messenger->mute, store};
    poller_setup_t poller = {.api = &messenger->api, .store = store};

    chat_recall(&messenger->chat, config->telegram_chat, store);
    recall_mute(messenger, before);
    messenger->bot = bot_create(&bot, pool);
    messenger->answers = bot_answer_create(&messenger->mute, pool);
    poller.bot = messenger->bot;
    messenger->poller = poller_create(&poller, pool);
}

messenger_t *messenger_create(const messenger_setup_t *setup, const vitals_t *before,
                              apr_pool_t *pool)
{
    messenger_t *messenger = apr_pcalloc(pool, sizeof(*messenger));
    const config_t *config = setup->config;
    const bool is_on = config->telegram == CONFIG_TELEGRAM_ON;
    const delivery_setup_t delivery = {
        .api = is_on ? &messenger->api : NULL,
        .thread = config->quantities[CONFIG_TELEGRAM_THREAD],
        .flap_threshold = (unsigned int)config->quantities[CONFIG_FLAP_THRESHOLD],
        .store = setup->store,
        .chat = &messenger->chat,
        .mute = &messenger->mute,
        .counters = setup->counters,
        .count = count,
        .answer = answer,
        .delivered = setup->delivered,
        .ctx = messenger,
        .delivered_ctx = setup->ctx,
    };

    messenger->store = setup->store;
    messenger->api = (bot_api_t){config->telegram_base, config->telegram_token, setup->transfers};
    if (is_on) {
        listen_to_chat(messenger, config, before, pool);
    }
    messenger->delivery = delivery_create(&delivery, pool);
    return messenger;
}

bool messenger_is_on(const messenger_t *messenger)
{
    return delivery_is_on(messenger->delivery);
}

static void follow_clock(messenger_t *messenger)
{
    if (mute_follow_clock(&messenger->mute, messenger->store, clock_wall() / CLOCK_SECOND)) {
        store_commit(messenger->store, ignore_result, NULL);
    }
}

int64_t messenger_tend(messenger_t *messenger, int64_t now)
{
    int64_t sending, polling;

    follow_clock(messenger);
    sending = delivery_tend(messenger->delivery, now);
    polling = messenger->poller != NULL ? poller_tend(messenger->poller, now) : INT64_MAX;
    return sending < polling ? sending : polling;
}

bool messenger_is_sending(const messenger_t *messenger)
{
    return delivery_is_busy(messenger->delivery);
}

void messenger_tell(const messenger_t *messenger, vitals_t *vitals)
{
    delivery_tell(messenger->delivery, vitals);
    tell_mute(messenger, vitals);
    apr_cpystrn(vitals->bot_error, messenger->poller != NULL ? poller_error(messenger->poller) : "",
                sizeof(vitals->bot_error));
}
