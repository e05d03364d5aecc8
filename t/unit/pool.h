/* An APR pool for the tests of a file: pool_start and pool_stop are cmocka's group fixtures. */
#ifndef POOL_H
#define POOL_H

#include <apr_general.h>

static apr_pool_t *pool;

static int pool_start(void **state)
{
    (void)state;
    return apr_initialize() == APR_SUCCESS && apr_pool_create(&pool, NULL) == APR_SUCCESS ? 0 : -1;
}

static int pool_stop(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}

#endif
