"""Graphs of Keras networks with seeded weights, exported by tf2onnx and by Keras itself, and what TensorFlow computes in
float64. Channels come last in them.

tensorflow-cpu 2.21.0, keras 3.15.1, tf2onnx 1.17.0, onnx 1.23.2, numpy 2.4.6, safetensors 0.8.0. Usage:

    onnx_keras.py FOLDER [NAME...]

Writes the pairs of onnx_zoo.py: FOLDER/NAME-tf2onnx-15.onnx, FOLDER/NAME-keras-15.onnx, and beside each a .safetensors with
the input, the value, a selector on it, and the gradient of <selector, value>. As there, inputs are drawn from up to eight
seeds until the gradient in float32 is within 1e-5 of that in float64. The pair keras-block-keras-15 is committed as
fixtures/onnx-keras/block.onnx and fixtures/onnx-keras.safetensors.
"""
import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx
from keras import applications, layers
from safetensors.numpy import save_file

OPSET = 15


def plain():
    """What people write by hand: convolutions, norms, poolings of both kinds, a dense layer with a softmax."""
    return keras.Sequential([
        layers.Input((32, 32, 3), name="picture"),
        layers.Conv2D(8, 3, padding="same", strides=2, use_bias=False), layers.BatchNormalization(), layers.ReLU(),
        layers.DepthwiseConv2D(3, padding="same"), layers.LeakyReLU(), layers.MaxPooling2D(),
        layers.SeparableConv2D(16, 3, padding="valid", activation="elu"), layers.AveragePooling2D(2),
        layers.UpSampling2D(2), layers.Conv2DTranspose(6, 3, strides=2, padding="same", activation="swish"),
        layers.Flatten(), layers.Dense(12, activation="tanh"), layers.Dense(5)])


def attending(side, channels, heads):
    """A transformer's block over the places of a map: attention, layer norms, GELU by tanh; tf2onnx cannot write the
    other GELU of TensorFlow."""
    def network():
        x = start = layers.Input((side, side, 3), name="picture")
        x = layers.Reshape(((side // 4) ** 2, channels))(layers.Conv2D(channels, 4, strides=4)(x))
        y = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(heads, channels // heads)(y, y)
        y = layers.LayerNormalization(scale=False, center=False)(x)
        gelu = layers.Activation(lambda z: keras.activations.gelu(z, approximate=True))
        x = x + layers.Dense(channels)(gelu(layers.Dense(2 * channels)(y)))
        return keras.Model(start, layers.Dense(5)(layers.GlobalAveragePooling1D()(x)))
    return network


def application(make, size, **options):
    return lambda: make(weights=None, input_shape=(size, size, 3), classes=10, classifier_activation=None, **options)


NETWORKS = {
    "keras-plain": plain,
    "keras-attention": attending(16, 32, 4),
    "keras-block": attending(8, 8, 2),
    "keras-mobilenet": application(applications.MobileNet, 64),
    "keras-mobilenet-v2": application(applications.MobileNetV2, 64),
    "keras-mobilenet-v3-small": application(applications.MobileNetV3Small, 64, include_preprocessing=False),
    "keras-efficientnet-v2-b0": application(applications.EfficientNetV2B0, 64, include_preprocessing=False),
    "keras-densenet121": application(applications.DenseNet121, 64),
}


def built(name, floats):
    keras.backend.set_floatx(floats)
    keras.config.set_dtype_policy(floats)
    keras.utils.set_random_seed(1)
    return NETWORKS[name]()


def seeded(model):
    """Weights that leave no layer idle: those of norms are not 1 and 0."""
    generator = np.random.default_rng(2)
    values = []
    for weight, value in zip(model.weights, model.get_weights()):
        if weight.path.endswith(("gamma", "moving_variance")):
            value = generator.uniform(0.5, 1.5, value.shape)
        elif weight.path.endswith(("beta", "bias", "moving_mean")):
            value = generator.normal(0, 0.1, value.shape)
        values.append(value.astype(np.float32))
    return values


def pulled(model, x, selector=None):
    x = tf.constant(x, dtype=model.inputs[0].dtype)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = model(x, training=False)
        if selector is None:
            generator = np.random.default_rng(7)
            selector = np.zeros(value.shape, np.float64)
            selector[:, generator.integers(0, value.shape[1], 3)] = 1
        total = tf.reduce_sum(value * tf.constant(selector, dtype=value.dtype))
    return {"value": value.numpy(), "selector": selector, "gradient": tape.gradient(total, x).numpy()}


def numbers(single, double, name):
    least, best = np.inf, None
    for seed in range(8):
        x = np.random.default_rng(seed).uniform(-1, 1, (2, *single.inputs[0].shape[1:])).astype(np.float32)
        result, near = pulled(double, x), pulled(single, x)
        off = np.abs(near["gradient"] - result["gradient"]).max() / np.abs(result["gradient"]).max()
        if off < least:
            least, best = off, result | {"float32": np.array(off), f"input/{name}": x}
        if off < 1e-5:
            break
    return {key: np.ascontiguousarray(value, np.float32) for key, value in best.items()}


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or NETWORKS:
        double, single = built(name, "float64"), built(name, "float32")
        weights = seeded(single)
        for model in (single, double):
            model.set_weights(weights)
        for exporter in ("tf2onnx", "keras"):
            stem = folder / f"{name}-{exporter}-{OPSET}"
            try:
                if exporter == "keras":
                    single.export(f"{stem}.onnx", format="onnx", opset_version=OPSET, verbose=False)
                else:
                    shape = tf.TensorSpec((None, *single.inputs[0].shape[1:]), tf.float32, name="picture")
                    tf2onnx.convert.from_function(
                        tf.function(lambda x: single(x, training=False), input_signature=[shape]),
                        input_signature=[shape], opset=OPSET, output_path=f"{stem}.onnx")
                given = onnx.load(f"{stem}.onnx", load_external_data=False).graph.input[0].name
                save_file(numbers(single, double, given), f"{stem}.safetensors")
                print(stem.name, flush=True)
            except Exception as error:
                print(stem.name, "NOT EXPORTED:", type(error).__name__, str(error).split("\n")[0][:200], flush=True)


if __name__ == "__main__":
    sys.exit(main())
