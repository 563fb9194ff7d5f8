/* One walk on several threads.

   Each thread has a range of samples, or of positions where there is one sample, and a part of its
   own: what lies together is what a thread reads fastest, and often wrote itself just before. Only
   where units lie in rows of positions, and this cuts them more evenly, each has a range of units.
   The parts are joined in their order, so that the same number of threads gives the same numbers
   bit for bit, and another one the same but for the rounding of sums.

   Whoever finishes the last range goes on with what the walk was for; meanwhile the others run
   errands. Nobody waits before the end. */

#if !defined(_WIN32)
#include <unistd.h>
#endif

#define ENOUGH 32768 /* values that are worth a thread of their own */
#define MOST_PARTS 64
#define MOST_SOON 40

/* What is needed after the walk, to be fetched during it: by errands, and by what comes then. */
typedef struct {
    Soon errands[MOST_SOON], then[MOST_SOON + 2];
} Fetched;

typedef struct {
    const View *view;
    const void *data;
    Part *part;
    const Regions *regions;
    int sign, shifts, only_regions;
    int64_t ranges;
    int64_t width;       /* of a range of units; 0 where each range has a part of its own */
    int64_t next;        /* range that no thread has begun, after the first, which is the caller's */
    int64_t left;        /* ranges that are not finished */
    const char *caller;  /* `here` of the calling thread */
    int spoiled;
    Part *others;        /* parts of the ranges after the first, and of what ReLU makes of them */
    void (*then)(void *); /* what the walk is for, or null */
    void *given;          /* to that */
    Errands *errands;     /* or null */
    Fetched *fetched;     /* or null */
} Walk;

static __thread char here;

static Part part_from(const Part *part, int64_t u, int wide) {
    Part own = *part;
    double **doubles[] = {&own.shift, &own.sum,   &own.squares, &own.absolute,
                          &own.one,   &own.pivot, &own.means,   &own.spread};
    void **numbers[] = {&own.low,   &own.high,  &own.zeros, &own.positive,
                        &own.below, &own.above, &own.linear};
    for (int k = 0; k < 8; k++)
        if (*doubles[k]) *doubles[k] += u;
    for (int k = 0; k < 7; k++)
        if (*numbers[k]) *numbers[k] = (char *)*numbers[k] + u * (wide ? 8 : 4);
    return own;
}

static int64_t size_of(const View *v) {
    return v->dtype == FLOAT64 ? 8 : v->dtype == FLOAT32 ? 4 : 2;
}

static void begin(const Walk *walk, int64_t range, const View *v, Part *part) {
    const int wide = v->dtype == FLOAT64;
    part->soon = NULL;
    if (walk->fetched && range == walk->ranges - 1) part->soon = walk->fetched->then;
    else if (walk->fetched && range == 0) part->soon = walk->fetched->errands;
    if (walk->only_regions) clear_extremes(part, v, wide);
    else clear(part, v, wide, 0);
    if (walk->regions) clear_places(part, v, wide);
}

static void walk_range(Walk *walk, const View *v, int64_t place, Part *part) {
    const void *data = (const char *)walk->data + place * size_of(v);
    if (!walk->only_regions)
        kernels->walk[v->dtype](v, data, part, walk->regions, walk->sign, walk->shifts);
    else if (kernels->region_walk[v->dtype](v, data, part, walk->regions) != 0)
        __atomic_store_n(&walk->spoiled, 1, __ATOMIC_RELAXED);
}

static void walk_units(Walk *walk, int64_t range) {
    const int64_t from = range * walk->width, rest = walk->view->units - from;
    View own = *walk->view;
    own.units = rest < walk->width ? rest : walk->width;
    const int wide = own.dtype == FLOAT64;
    Part part = part_from(walk->part, from, wide), rectified;
    if (part.rectified) rectified = part_from(part.rectified, from, wide), part.rectified = &rectified;
    begin(walk, range, &own, &part);
    walk_range(walk, &own, from * own.unit_step, &part);
}

/* What is cut into ranges: samples, or the outermost axis of positions where there is one sample. */
static int64_t cut_length(const View *v) {
    return v->samples > 1 || !v->axes ? v->samples : v->size[0];
}

static void walk_samples(Walk *walk, int64_t range) {
    View own = *walk->view;
    const int64_t length = cut_length(&own);
    const int64_t from = length * range / walk->ranges, end = length * (range + 1) / walk->ranges;
    int64_t step = own.sample_step;
    if (own.samples > 1) own.samples = end - from;
    else {
        step = own.step[0];
        own.positions = own.positions / own.size[0] * (end - from);
        own.size[0] = end - from;
        own.spans = 0; /* the sample ends with the last range */
    }
    Part *part = range ? walk->others + range - 1 : walk->part;
    begin(walk, range, walk->view, part);
    walk_range(walk, &own, from * step, part);
}

static void join_parts(Walk *walk) {
    const View *v = walk->view;
    for (int64_t range = 1; range < walk->ranges; range++) {
        const int64_t from = v->samples * range / walk->ranges;
        const int64_t samples = v->samples * (range + 1) / walk->ranges - from;
        kernels->join[v->dtype == FLOAT64](v, walk->part, walk->others + range - 1, samples,
                                           walk->only_regions, walk->regions != NULL);
    }
    if (walk->only_regions || !v->spans || v->samples > 1) return;
    for (Part *part = walk->part; part; part = part->rectified)
        for (int64_t u = 0; u < v->units; u++) part->pivot[u] = part->sum[u] / v->positions;
}

static void walk_ranges(void *given) {
    Walk *walk = given;
    int64_t range = &here == walk->caller ? 0 : __atomic_fetch_add(&walk->next, 1, __ATOMIC_RELAXED);
    while (range < walk->ranges) {
        if (walk->width) walk_units(walk, range);
        else walk_samples(walk, range);
        if (__atomic_sub_fetch(&walk->left, 1, __ATOMIC_ACQ_REL) == 0) {
            if (!walk->width) join_parts(walk);
            if (walk->then) walk->then(walk->given);
        }
        range = __atomic_fetch_add(&walk->next, 1, __ATOMIC_RELAXED);
    }
    if (walk->errands) run_errands(walk->errands);
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

/* Where there is one range, it fetches everything. */
static void walk_on(Walk *walk, int64_t ranges) {
    walk->ranges = walk->left = ranges;
    walk->next = 1;
    Soon *then = walk->fetched ? walk->fetched->then : NULL;
    while (then && then->at) then++;
    if (ranges > 1) in_parallel(walk_ranges, walk, (unsigned)ranges, 0);
    else {
        if (then) memcpy(then, walk->fetched->errands, sizeof walk->fetched->errands);
        walk_ranges(walk);
    }
}

/* Without memory for parts there are fewer ranges. */
static void cut_samples(Walk *walk, int64_t threads) {
    const View *v = walk->view;
    const int64_t length = cut_length(v), most = threads < MOST_PARTS ? threads : MOST_PARTS;
    const int rectifies = walk->part->rectified != NULL;
    Part others[MOST_PARTS], rectified[MOST_PARTS];
    double *memory[MOST_PARTS], *more[MOST_PARTS];
    int64_t many = 0;
    for (; many + 1 < most && many + 1 < length; many++) {
        memory[many] = new_part(&others[many], v->units);
        if (!memory[many]) break;
        others[many].shift = walk->part->shift;
        more[many] = rectifies ? new_part(&rectified[many], v->units) : NULL;
        if (rectifies) others[many].rectified = &rectified[many];
        if (!rectifies || more[many]) continue;
        free(memory[many]);
        break;
    }
    walk->width = 0;
    walk->others = others;
    walk_on(walk, many + 1);
    for (int64_t k = 0; k < many; k++) free(memory[k]), free(more[k]);
}

/* Cut where the largest range is smallest. */
static int walk_all(Walk *walk, int64_t threads) {
    const View *v = walk->view;
    const int64_t most = v->units * v->samples * v->positions / ENOUGH;
    threads = threads < most ? threads : most;
    if (threads < 2 || !may_use_threads()) threads = 1;
    walk->caller = &here;
    const int64_t each = (v->units + threads - 1) / threads, length = cut_length(v);
    walk->width = (each + WIDEST_LANES - 1) / WIDEST_LANES * WIDEST_LANES;
    const int64_t by_samples = (length + threads - 1) / threads * v->units;
    const int64_t by_units = walk->width * length;
    const int prefers_samples = !in_rows(v) || by_samples < by_units + (v->samples > 1);
    if (threads > 1 && prefers_samples) cut_samples(walk, threads);
    else walk_on(walk, (v->units + walk->width - 1) / walk->width);
    return walk->spoiled;
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
    Walk all = {.view = v, .data = data, .part = part, .regions = regions, .only_regions = 1};
    if (walk_all(&all, threads)) careful_regions(v, data, table, regions);
    else kernels->settle_regions[wide](v, part, table);
}
