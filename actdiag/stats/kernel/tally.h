/* Counting by marks: registers with masks write one bit for every value that meets a condition, and
   many bits are counted at once. Not counting at once costs nothing of what registers are busy with. */

enum { ZERO, ABOVE_ZERO, TOO_LOW, IN_LINE, TOO_HIGH, KINDS };
enum { CLOSED = 1, OPEN }; /* functions with all thresholds, and those without an upper one */
#define IS_COUNTED(kind) \
    ((kind) == ZERO || ((kind) == ABOVE_ZERO && sign) || \
     (((kind) == TOO_LOW || (kind) == IN_LINE) && places) || ((kind) == TOO_HIGH && places == CLOSED))

#define MARKED 4096 /* values of one unit that are marked before they are counted */
#define ROOM 64     /* bytes beyond them, since each row begins a new one */
#define PLANES 8
#define MOST_TALLIED ((1 << PLANES) - 1)
#define WORDS (CHUNK / 64)

/* Marks of the rows of a tile, one bit for each unit of a chunk, and how many marks each unit had
   in earlier tiles: the binary digits of that number, one plane of bits for each. */
typedef struct {
    uint8_t marks[KINDS][TILE][CHUNK / 8];
    uint64_t planes[KINDS][PLANES][WORDS];
    int64_t rows;
} Tally;
