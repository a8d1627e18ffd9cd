#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

/// Starts to count the heap allocations of the calling thread, from 0.
void allocation_counter_start(void);

/// Ends the count.
/// Returns the number of calls that allocated or moved memory since the start.
long allocation_counter_stop(void);

#endif
