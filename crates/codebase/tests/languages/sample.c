#include <stdio.h>
#include "x.h"
#define MAX_N 10
#define SQ(x) ((x)*(x))
/* doc f */
static int *f(int a, char *b) { if (a && b) return g(a); switch (a) { case 1: break; default: ; } return 0; }
typedef struct { int a; } point;
struct s { int b; };
enum e { A, B };
typedef int (*cb)(int);
void proto(int);
