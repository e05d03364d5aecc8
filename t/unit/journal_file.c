/* client/journal_file.h: what is kept comes back, and nothing else does. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal_file.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define NOW INT64_C(500000) /* ms since the machine's start */

static char folder[] = "/tmp/journal-file-XXXXXX";
static state_dir_t dir;
static journal_t journal;

static const char *path_of(const char *name)
{
    static char path[sizeof(folder) + 16];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void open_folder(void)
{
    char reason[STATE_DIR_REASON_SIZE];

    assert_true(state_dir_open(&dir, folder, reason));
}

static int start(void **state)
{
    vps_record_t record = {.vpn_connected = VPS_NO, .dns_verdict = VPS_DNS_VERDICT_LEAK};

    (void)state;
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    open_folder();
    memset(&journal, 0, sizeof(journal));
    strcpy(record.location, "DE");
    vps_addr_parse(&record.public_ip, "2001:db8::1", 11);
    journal_note(&journal, &record, 100000);
    record.vpn_connected = VPS_YES;
    journal_note(&journal, &record, 200000);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    state_dir_close(&dir);
    unlink(path_of("journal"));
    unlink(path_of("lock"));
    return rmdir(folder);
}

static void keep(void)
{
    assert_true(journal_file_keep(&journal, &dir, "office"));
}

/* Is this what comes back? */
static bool is_back(const char *client_id, int64_t now)
{
    journal_t found;

    memset(&found, 0, sizeof(found));
    journal_file_recall(&found, &dir, client_id, now);
    if (found.past.count == 0) {
        assert_int_equal(found.known.public_ip.version, 0);
        return false;
    }
    assert_int_equal(found.past.count, journal.past.count);
    assert_memory_equal(found.past.changes, journal.past.changes,
                        journal.past.count * sizeof(journal.past.changes[0]));
    for (int fact = 0; fact < VPS_FACTS; fact++) {
        assert_true(vps_fact_is_same((vps_fact_t)fact, &found.known, &journal.known));
    }
    return true;
}

static void put(const char *text, size_t len)
{
    int fd = open(path_of("journal"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_int_equal(write(fd, text, len), len);
    close(fd);
}

static void test_there_and_back(void **state)
{
    struct stat info;

    (void)state;
    assert_false(is_back("office", NOW));
    keep();
    assert_int_equal(stat(path_of("journal"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_true(is_back("office", NOW));
    state_dir_close(&dir); /* the daemon ends, and is started again */
    open_folder();
    assert_true(is_back("office", NOW));
    assert_true(is_back("office", 200000));
}

static void test_all_was_told(void **state)
{
    (void)state;
    keep();
    journal_told(&journal);
    keep();
    assert_int_equal(access(path_of("journal"), F_OK), -1);
    keep();
    assert_false(is_back("office", NOW));
}

static void test_of_another_client(void **state)
{
    (void)state;
    keep();
    assert_false(is_back("home", NOW));
}

/* The machine was started anew. */
static void test_of_another_boot(void **state)
{
    char text[4096];
    ssize_t len;
    int fd;

    (void)state;
    keep();
    assert_false(is_back("office", 199999)); /* of the future */
    fd = open(path_of("journal"), O_RDONLY);
    len = read(fd, text, sizeof(text));
    close(fd);
    assert_true(len > 40);
    put(text, (size_t)len);
    assert_true(is_back("office", NOW));
    text[0] = text[0] == '0' ? '1' : '0';
    put(text, (size_t)len);
    assert_false(is_back("office", NOW));
}

static void test_hostile_files(void **state)
{
    static char large[40000];
    char text[4096];
    ssize_t len;
    int fd;

    (void)state;
    keep();
    fd = open(path_of("journal"), O_RDONLY);
    len = read(fd, text, sizeof(text));
    close(fd);
    for (ssize_t cut = 0; cut < len; cut++) {
        put(text, (size_t)cut);
        assert_false(is_back("office", NOW));
    }
    memset(large, ' ', sizeof(large));
    memcpy(large, text, (size_t)len);
    put(large, sizeof(large));
    assert_false(is_back("office", NOW));
    put(text, (size_t)len);
    assert_true(is_back("office", NOW));
    assert_int_equal(chmod(path_of("journal"), 0622), 0); /* others may write */
    assert_false(is_back("office", NOW));

    assert_int_equal(unlink(path_of("journal")), 0);
    assert_int_equal(symlink("/etc/passwd", path_of("journal")), 0);
    assert_false(is_back("office", NOW));
    keep(); /* in its place */
    assert_true(is_back("office", NOW));
    assert_int_equal(unlink(path_of("journal")), 0);
    assert_int_equal(mkfifo(path_of("journal"), 0600), 0);
    assert_false(is_back("office", NOW));
}

static void test_no_folder(void **state)
{
    const state_dir_t none = {.fd = -1, .lock = -1};

    (void)state;
    assert_false(journal_file_keep(&journal, &none, "office"));
    journal_file_recall(&journal, &none, "office", NOW);
    assert_int_equal(journal.past.count, 5);
    journal_told(&journal);
    assert_true(journal_file_keep(&journal, &none, "office"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_there_and_back, start, stop),
        cmocka_unit_test_setup_teardown(test_all_was_told, start, stop),
        cmocka_unit_test_setup_teardown(test_of_another_client, start, stop),
        cmocka_unit_test_setup_teardown(test_of_another_boot, start, stop),
        cmocka_unit_test_setup_teardown(test_hostile_files, start, stop),
        cmocka_unit_test_setup_teardown(test_no_folder, start, stop),
    };

    return cmocka_run_group_tests_name("journal_file", tests, NULL, NULL);
}
