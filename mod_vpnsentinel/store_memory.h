/*
 * How the store moves between its file and the memory: the schemas "disk" and "main" of one
 * connection.
 */
#ifndef STORE_MEMORY_H
#define STORE_MEMORY_H

#include <sqlite3.h>

/*
 * From now on the memory is used: take over what can be read of the disk, if it is attached:
 * messages with their events, what was announced of the clients concerned, settings. Ids go on
 * above those of the disk and of every earlier time in memory, in other processes too: they begin
 * at the time in usec.
 */
void store_memory_enter(sqlite3 *db);

/*
 * Bring to the disk, durably, what the memory has. It keeps its ids there unless they are taken.
 * What was delivered meanwhile is not delivered again. Returns a result code of SQLite; when it is
 * not SQLITE_OK, nothing is known to be there, and all may be brought again.
 */
int store_memory_hand_over(sqlite3 *db);

/* Forget it all. */
void store_memory_clear(sqlite3 *db);

#endif
