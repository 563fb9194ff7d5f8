/* One walk on several threads, each over its own range of units.

   No unit is shared, so that the numbers are the same bit for bit whatever the number of threads. */

#if !defined(_WIN32)
#include <unistd.h>
#endif

#define ENOUGH 65536 /* values that are worth a thread of their own */

typedef struct {
    const View *view;
    const void *data;
    const Part *part;
    const Regions *regions;
    int sign, shifts, only_regions;
    int64_t width; /* of a range */
    int64_t next;  /* range that no thread has begun */
    int spoiled;
} Walk;

static Part part_from(const Part *part, int64_t u, int wide) {
    Part own = *part;
    double **doubles[] = {&own.shift, &own.sum,   &own.squares, &own.absolute,
                          &own.one,   &own.pivot, &own.means,   &own.spread};
    void **numbers[] = {&own.low,   &own.high,  &own.zeros, &own.positive,
                        &own.below, &own.above, &own.linear};
    for (int k = 0; k < 8; k++) *doubles[k] += u;
    for (int k = 0; k < 7; k++) *numbers[k] = (char *)*numbers[k] + u * (wide ? 8 : 4);
    return own;
}

static void walk_ranges(void *given) {
    Walk *walk = given;
    const View *v = walk->view;
    const int wide = v->dtype == FLOAT64, size = wide ? 8 : v->dtype == FLOAT32 ? 4 : 2;
    for (;;) {
        const int64_t from = __atomic_fetch_add(&walk->next, 1, __ATOMIC_RELAXED) * walk->width;
        if (from >= v->units) return;
        View own = *v;
        own.units = v->units - from < walk->width ? v->units - from : walk->width;
        Part part = part_from(walk->part, from, wide);
        const char *data = (const char *)walk->data + from * v->unit_step * size;
        if (!walk->only_regions)
            kernels->walk[v->dtype](&own, data, &part, walk->regions, walk->sign, walk->shifts);
        else if (kernels->region_walk[v->dtype](&own, data, &part, walk->regions) != 0)
            __atomic_store_n(&walk->spoiled, 1, __ATOMIC_RELAXED);
    }
}

/* After a fork the threads of the parent are not there. */
static int may_use_threads(void) {
#if defined(_WIN32)
    return in_parallel != NULL;
#else
    static int64_t owner = 0;
    int64_t none = 0;
    if (!in_parallel) return 0;
    __atomic_compare_exchange_n(&owner, &none, (int64_t)getpid(), 0, __ATOMIC_RELAXED,
                                __ATOMIC_RELAXED);
    return __atomic_load_n(&owner, __ATOMIC_RELAXED) == getpid();
#endif
}

static int walk_all(Walk *walk, int64_t threads) {
    const View *v = walk->view;
    const int64_t most = v->units * v->samples * v->positions / ENOUGH;
    threads = threads < most ? threads : most;
    walk->width = v->units;
    if (threads > 1 && may_use_threads()) {
        const int64_t each = (v->units + threads - 1) / threads;
        walk->width = (each + WIDEST_LANES - 1) / WIDEST_LANES * WIDEST_LANES;
        const int64_t ranges = (v->units + walk->width - 1) / walk->width;
        if (ranges > 1) {
            in_parallel(walk_ranges, walk, (unsigned)ranges, 0);
            return walk->spoiled;
        }
        walk->width = v->units;
    }
    walk_ranges(walk);
    return walk->spoiled;
}

static void walk(const View *v, const void *data, Part *part, const Regions *regions, int sign,
                 int shifts, int64_t threads) {
    Walk all = {.view = v, .data = data, .part = part, .regions = regions, .sign = sign,
                .shifts = shifts};
    walk_all(&all, threads);
}

static void blank_places(const View *v, double *table) {
    memset(table, 0, LEAST * v->units * sizeof(double));
    for (int64_t u = 0; u < v->units; u++) {
        table[LEAST * v->units + u] = INFINITY;
        table[MOST * v->units + u] = -INFINITY;
    }
}

/* Add to a table where the values lie with respect to a function. */
static void count_places(const View *v, const void *data, Part *part, double *table,
                         const Regions *regions, int64_t threads) {
    const int wide = v->dtype == FLOAT64;
    clear_extremes(part, v, wide);
    clear_places(part, v);
    Walk all = {.view = v, .data = data, .part = part, .regions = regions, .only_regions = 1};
    if (walk_all(&all, threads)) careful_regions(v, data, table, regions);
    else kernels->settle_regions[wide](v, part, table);
}
