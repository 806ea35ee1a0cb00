// A program in C that links the library: BridgeTests compiles it, with no warning, and compares what it writes with what
// the command line writes.
//
//   explain OUTPUT     reads one scene's input from standard input, explains class 3, and writes the map to OUTPUT
//   explain            makes every mistake that C can make, and prints code and text of each
#include <math.h>
#include <semantic_pullbacks.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void report(const char *what, int32_t code, char **error) {
  printf("%s\t%d\t%s\n", what, (int)code, *error ? *error : "-");
  sp_free_text(*error);
  *error = NULL;
}

static int explain(const char *output) {
  sp_network *network = NULL;
  char *error = NULL;
  int32_t code = sp_load("vgg-scenes", NULL, 0, &network, &error);
  int64_t shape[3] = {0};
  if (code == 0 && sp_input_shape(network, shape, 3) == 3) {
    const size_t count = (size_t)(shape[0] * shape[1] * shape[2]);
    float *input = malloc(count * sizeof *input), *map = malloc(count * sizeof *map);
    if (!input || !map || fread(input, sizeof *input, count, stdin) != count) return 1;
    const char *target = "3";
    const sp_option options[] = {{"method", "smooth-pullback"}, {"smooth.draws", "2"}, {"seed", "7"}};
    code = sp_explain(network, input, 1, &target, 1, options, 3, map, &error);
    FILE *file = fopen(output, "wb");
    if (code == 0 && file) fwrite(map, sizeof *map, count, file);
    if (file) fclose(file);
    free(input);
    free(map);
  }
  if (code) fprintf(stderr, "%s\n", error);
  sp_free_text(error);
  sp_free(network);
  return code;
}

static void make_mistakes(void) {
  sp_network *network = NULL;
  char *error = NULL, *json = NULL;
  float numbers[4] = {0};
  report("no source", sp_load(NULL, NULL, 0, &network, &error), &error);
  report("no place", sp_load("vgg-scenes", NULL, 0, NULL, &error), &error);
  report("no options", sp_load("vgg-scenes", NULL, 2, &network, &error), &error);
  const sp_option unnamed = {NULL, "1"}, valueless = {"key", NULL}, latin = {"key", "\xe9"};
  report("no name", sp_load("x.pth", &unnamed, 1, &network, &error), &error);
  report("no value", sp_load("x.pth", &valueless, 1, &network, &error), &error);
  report("no UTF-8", sp_load("x.pth", &latin, 1, &network, &error), &error);
  report("no file", sp_load("nowhere.pth", NULL, 0, &network, &error), &error);
  report("no network", sp_predict(NULL, numbers, 1, numbers, &error), &error);
  report("not described", sp_describe(NULL, &json, &error), &error);
  printf("shape of none\t%zu\n", sp_input_shape(NULL, NULL, 0));
  if (network || sp_load("vgg-scenes", NULL, 0, &network, &error)) exit(1);
  printf("axes\t%zu\t%zu\n", sp_input_shape(network, NULL, 0), sp_output_shape(network, NULL, 0));
  int64_t extents[2] = {0, -1};
  sp_input_shape(network, extents, 1);
  printf("extents\t%d\t%d\n", (int)extents[0], (int)extents[1]);
  report("no inputs", sp_predict(network, NULL, 1, numbers, &error), &error);
  report("none at all", sp_predict(network, numbers, 0, numbers, &error), &error);
  report("too many", sp_predict(network, numbers, (size_t)-1, numbers, &error), &error);
  report("far too many", sp_predict(network, numbers, (size_t)-1 / 8, numbers, &error), &error);
  report("no room", sp_predict(network, numbers, 1, NULL, &error), &error);
  report("no targets", sp_explain(network, numbers, 1, NULL, 1, NULL, 0, numbers, &error), &error);
  const char *targets[] = {"1", NULL};
  report("too many targets", sp_explain(network, numbers, 1, targets, 2, NULL, 0, numbers, &error), &error);
  report("no target", sp_explain(network, numbers, 1, targets + 1, 1, NULL, 0, numbers, &error), &error);
  report("no json", sp_list(NULL, &error), &error);
  printf("silent\t%d\n", (int)sp_list(NULL, NULL));
  report("json", sp_list(&json, &error), &error);
  printf("listed\t%d\n", json && strstr(json, "soft-pullback") ? 1 : 0);
  sp_free_text(json);
  sp_free(network);
  sp_free(NULL);
  sp_free_text(NULL);
}

int main(int argc, char **argv) {
  if (argc > 1) return explain(argv[1]);
  make_mistakes();
  return 0;
}
