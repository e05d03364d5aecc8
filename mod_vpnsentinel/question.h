/*
 * A question to the bot that waits for its answer: what somebody wrote, and where.
 */
#ifndef QUESTION_H
#define QUESTION_H

#include <stdint.h>

#define QUESTION_TEXT_SIZE 512 /* bytes with the NUL */
#define QUESTION_AGE_MAX 300   /* sec: what was written earlier gets no answer */

typedef struct question_t {
    uint64_t id;                   /* in the store, from 1 */
    int64_t asked;                 /* sec since epoch */
    int64_t thread;                /* topic of the chat, 0 = none */
    int64_t message;               /* id of the message in the chat */
    char text[QUESTION_TEXT_SIZE]; /* valid UTF-8 */
} question_t;

#endif
