#ifndef SEMANTIC_PULLBACKS_H
#define SEMANTIC_PULLBACKS_H

// Semantic Pullbacks for programs in C, and for every language that calls C: load a network, see what it predicts, and
// explain it. The library is libSemanticPullbacksBridge; Sources/Python is a package over it.
//
//   sp_network *network = NULL;
//   char *error = NULL;
//   int32_t code = sp_load("resnet50.pth", NULL, 0, &network, &error);
//   if (code) { fprintf(stderr, "%s\n", error); sp_free_text(error); return code; }
//   const char *target = "340";
//   code = sp_explain(network, pixels, 1, &target, 1, NULL, 0, map, &error);
//   sp_free(network);
//
// Threads: every function may be called on any thread, and a network may be used on several at once; results do not
// depend on it. A network may be freed when no call uses it any longer. There is no global state to set up, and nothing
// is printed.
//
// Arrays are float32, row-major and without gaps, the batch axis first: pictures are (N, C, H, W). They are read in place
// and are the caller's; they must not change during a call.
//
// Errors: a function returns 0, or a code of <sysexits.h> (64 for wrong arguments, 65 for malformed data, 66 for a
// file that cannot be opened, 69 for something that is not at hand, 70 for a broken invariant, 71 for too little
// memory, 74 for a failed read). Then `*error` is one line that says which file, argument or setting is at fault, what
// was expected, what was found and perhaps what to do; free it by sp_free_text. Nothing else is written: other results
// stay as they were. `error` may be NULL. On success `*error` is left alone.
//
// Memory that the system refuses ends the process, as it does in every Swift program. sp_load, sp_predict and
// sp_explain return 71 before where they can tell that there is too little.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A network with its parameters. It does not change once it is loaded.
typedef struct sp_network sp_network;

/// A setting by name, as the command line names it without the dashes: {"temperature", "relative=1.5"}. Both are UTF-8.
typedef struct sp_option {
  const char *name;
  const char *value;
} sp_option;

/// The version of the library, as "0.1.0".
///
/// @return A text that is never freed.
const char *sp_version(void);

/// Frees a text that a function of this library gave. NULL is fine.
void sp_free_text(char *text);

/// Loads a network.
///
/// | option | value |
/// |---|---|
/// | `model` | the architecture of a checkpoint; by default it is recognised by its tensors |
/// | `key` | of several networks in a checkpoint, this one |
/// | `allow-leftover` | tensors that the network need not use, as `criterion.*`; may be given several times |
/// | `explain` | of an exported graph of several inputs, the one that is explained |
/// | `input` | a value for one of the others, as `table=t.npy`; may be given several times |
/// | `output-name` | of an exported graph, the output that is explained, or any value within |
/// | `shape` | of an exported graph's input where the file leaves it open, as `x=1x3x64x64`; several times |
/// | `labels` | a file of the classes' names |
/// | `preprocess` | the first layer, which normalises: `imagenet`, `signed`, `unit`, `release` or a `.json` |
/// | `range` | of the values that inputs come in: `signed` [-1, 1], `unit` [0, 1], `byte` [0, 255], or `any` |
///
/// @param source A checkpoint (.pth, .pt, .safetensors), an exported graph (.onnx), or the name of a network that comes
///   with the package (`resnet-scenes`, `vgg-scenes`, `pvt-scenes`) or was fetched.
/// @param options `option_count` of them; NULL where there are none.
/// @param network Where the network goes; free it by sp_free.
int32_t sp_load(const char *source, const sp_option *options, size_t option_count, sp_network **network, char **error);

/// Frees a network. NULL is fine.
void sp_free(sp_network *network);

/// The shape of one input without the batch axis, (C, H, W) for pictures.
///
/// @param extents Room for `room` numbers, of which as many are written as there are; may be NULL if `room` is 0.
/// @return How many axes there are.
size_t sp_input_shape(const sp_network *network, int64_t *extents, size_t room);

/// The shape of one output without the batch axis, (classes) for a classifier; as sp_input_shape.
size_t sp_output_shape(const sp_network *network, int64_t *extents, size_t room);

/// What a network is, as a JSON object: `name`, `title`, `path` and `sha256` of its file, `input` and `output` (shapes),
/// `labels` (the classes' names in the order of the logits, or null), `notes` (what was assumed, in sentences),
/// `range`, and `temperature` (what soft rules take where none is named).
///
/// @param json Free it by sp_free_text.
int32_t sp_describe(const sp_network *network, char **json, char **error);

/// What there is to ask for, as a JSON object: `methods` (name, formula, source, caveat, usesTemperature), `settings`
/// (name, meaning, value by default), `presets`, `architectures` and `networks` (those that need no file).
///
/// @param json Free it by sp_free_text.
int32_t sp_list(char **json, char **error);

/// A picture as the network's input: decoded, framed and scaled to [-1, 1] as the command line does it.
///
/// @param path A PNG, JPEG or WebP.
/// @param input Room for one input.
int32_t sp_picture(const sp_network *network, const char *path, float *input, char **error);

/// The network's outputs, logits for a classifier.
///
/// @param inputs `count` inputs.
/// @param outputs Room for `count` outputs.
int32_t sp_predict(const sp_network *network, const float *inputs, size_t count, float *outputs, char **error);

/// The attribution of each input: the bytes that `pullbacks attribute` writes for the same settings.
///
/// @param inputs `count` inputs.
/// @param targets What is explained in each input: a class by number or name (`340`, `zebra`), one class against another
///   (`340-354`), a linear combination, `cross-entropy:340`, the class of a rank (`top-1`), a channel or a neuron of
///   an inner layer (`layer3:12`), or for an output of several axes an index (`2,8:16,4:20`). NULL with a
///   `target_count` of 0 is the top-1 class of each.
/// @param target_count 0, 1 for all inputs, or `count`.
/// @param options Beside `method` (by default `soft-pullback`), `preset`, `temperature`, `border`, `spreads`,
///   `calibration`, `baseline`, `alpha`, `steps`, `clip`, `seed` (by default 314) and `max-memory` (bytes for
///   activations, which changes no result) every setting that sp_list names.
/// @param attributions Room for `count` inputs.
int32_t sp_explain(
    const sp_network *network, const float *inputs, size_t count, const char *const *targets, size_t target_count,
    const sp_option *options, size_t option_count, float *attributions, char **error);

#ifdef __cplusplus
}
#endif

#endif
