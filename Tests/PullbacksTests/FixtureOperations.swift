import Foundation
import Pullbacks

/// The operation of a fixture; nil for what takes several nodes here.
func makeOperation(
  _ kind: String, _ config: [String: Any], parameters: [[Int]] = []
) -> (any Pullbacks.Operation)? {
  func integer(_ key: String) -> Int { config[key] as! Int }
  func list(_ key: String) -> [Int] { config[key] as! [Int] }
  func flag(_ key: String) -> Bool { config[key] as! Bool }
  func number(_ key: String) -> Double { config[key] as! Double }
  let axes = (config["kernel"] as? [Int])?.count ?? 2
  if let operation = windowed(kind, config, axes: axes) { return operation }
  if let function = UnaryFunction(rawValue: kind) { return function }
  if let function = BinaryOperation(rawValue: kind) { return function }
  switch kind {
  case "linear": return Linear(integer("outputs"), bias: flag("bias"))
  case "batchnorm": return BatchNorm(epsilon: Float(number("epsilon")))
  case "layernorm":
    return LayerNorm(epsilon: Float(number("epsilon")), axis: .init(rawValue: config["axis"] as! String)!)
  case "groupnorm": return GroupNorm(groups: integer("groups"), epsilon: Float(number("epsilon")))
  case "instancenorm": return GroupNorm.instance(epsilon: Float(number("epsilon")))
  case "rmsnorm": return RMSNorm(epsilon: Float(number("epsilon")))
  case "softmax": return Softmax(axis: config["axis"] as? Int)
  case "logsoftmax": return LogSoftmax(axis: integer("axis"))
  case "add": return Add()
  case "multiply": return Multiply()
  case "where": return Where()
  case "expand": return Expand(to: list("shape"))
  case "concat": return Concatenate(axis: integer("axis"))
  case "reshape": return Reshape(list("shape"))
  case "transpose": return Transpose(list("order"))
  case "slice":
    if config["range"] != nil { return Slice(axis: integer("axis"), list("range")[0]..<list("range")[1]) }
    return Slice(
      list("axes").indices.map { index in
        Slice.Part(
          axis: list("axes")[index],
          .python(start: list("starts")[index], end: list("ends")[index], step: list("steps")[index]))
      })
  case "pad":
    return Pad(
      list("begins"), list("ends"), mode: .init(rawValue: config["mode"] as! String)!, value: Float(number("value")))
  case "resize": return makeResize(config)
  case "topk": return TopK(integer("count"), axis: integer("axis"), largest: flag("largest"))
  case "gridsample":
    return GridSample(
      .init(rawValue: config["mode"] as! String)!, border: .init(rawValue: config["border"] as! String)!,
      aligningCorners: flag("corners"))
  case "reduce":
    return Reduce(
      .init(rawValue: config["reduction"] as! String)!, axes: list("axes"), keepingAxes: flag("keepDims"))
  case "gather": return Gather(axis: integer("axis"))
  case "embedding": return Embedding(parameters[0][0], width: parameters[0][1])
  case "cumsum":
    return CumulativeSum(axis: integer("axis"), exclusive: flag("exclusive"), reverse: flag("reverse"))
  case "dropout": return Identity.dropout
  case "affine":
    return ChannelAffine(
      scale: (config["scale"] as! [Double]).map(Float.init), shift: (config["shift"] as! [Double]).map(Float.init))
  case "matmul": return MatrixMultiply(transposingRight: flag("transposingRight"))
  case "attention":
    return ScaledDotProductAttention(
      heads: integer("heads"), keyHeads: config["keyHeads"] as? Int, causal: config["causal"] as? Bool ?? false)
  case "relu": return ReLU()
  case "relu6": return ReLU6()
  case "gelu": return GELU()
  case "silu": return SiLU()
  case "sigmoid": return Sigmoid()
  default: return nil
  }
}

/// Convolution and pooling along one, two or three axes.
private func windowed(_ kind: String, _ config: [String: Any], axes: Int) -> (any Pullbacks.Operation)? {
  func list(_ key: String) -> [Int] { config[key] as? [Int] ?? [Int](repeating: 1, count: axes) }
  func extent(_ key: String) -> Extent { Extent(list(key)[0], list(key)[1]) }
  func flag(_ key: String) -> Bool { config[key] as! Bool }
  let sides = config["padding"] as? [Int] ?? []
  var padding: Padding {
    sides.count == 2
      ? Padding(before: sides[0], after: sides[1])
      : Padding(top: sides[0], left: sides[1], bottom: sides[2], right: sides[3])
  }
  var window: SlidingWindow {
    SlidingWindow(
      list("kernel"), stride: list("stride"), padding: sides, dilation: list("dilation"),
      ceilMode: config["ceilMode"] as? Bool ?? false)
  }
  switch (kind, axes) {
  case ("conv", 1):
    return Convolution.sequence(
      config["outputs"] as! Int, kernel: list("kernel")[0], stride: list("stride")[0], padding: padding,
      dilation: list("dilation")[0], groups: config["groups"] as! Int, bias: flag("bias"))
  case ("conv", 2):
    return Convolution(
      config["outputs"] as! Int, kernel: extent("kernel"), stride: extent("stride"), padding: padding,
      dilation: extent("dilation"), groups: config["groups"] as! Int, bias: flag("bias"))
  case ("conv", _):
    return VolumeConvolution(
      config["outputs"] as! Int, window, groups: config["groups"] as! Int, bias: flag("bias"))
  case ("convtranspose", 1):
    return TransposedConvolution.sequence(
      config["outputs"] as! Int, kernel: list("kernel")[0], stride: list("stride")[0], padding: padding,
      outputPadding: list("outputPadding")[0], dilation: list("dilation")[0], groups: config["groups"] as! Int,
      bias: flag("bias"))
  case ("convtranspose", 3):
    return TransposedVolumeConvolution(
      config["outputs"] as! Int, window, outputPadding: list("outputPadding"), groups: config["groups"] as! Int,
      bias: flag("bias"))
  case ("convtranspose", _):
    return TransposedConvolution(
      config["outputs"] as! Int, kernel: extent("kernel"), stride: extent("stride"), padding: padding,
      outputPadding: extent("outputPadding"), dilation: extent("dilation"), groups: config["groups"] as! Int,
      bias: flag("bias"))
  case ("maxpool", 1):
    return MaxPool.sequence(
      kernel: list("kernel")[0], stride: list("stride")[0], padding: padding, dilation: list("dilation")[0],
      ceilMode: flag("ceilMode"))
  case ("maxpool", 2):
    return MaxPool(
      kernel: extent("kernel"), stride: extent("stride"), padding: padding, dilation: extent("dilation"),
      ceilMode: flag("ceilMode"))
  case ("maxpool", _): return VolumeMaxPool(window)
  case ("avgpool", 1):
    return AveragePool.slidingSequence(
      kernel: list("kernel")[0], stride: list("stride")[0], padding: padding, ceilMode: flag("ceilMode"),
      countIncludePad: flag("countIncludePad"))
  case ("avgpool", 2):
    return AveragePool.sliding(
      kernel: extent("kernel"), stride: extent("stride"), padding: padding, ceilMode: flag("ceilMode"),
      countIncludePad: flag("countIncludePad"))
  case ("avgpool", _): return VolumeAveragePool(.sliding(window, countsPadding: flag("countIncludePad")))
  case ("adaptiveavgpool", _): return AveragePool.adaptive(extent("output"))
  default: return nil
  }
}

private func makeResize(_ config: [String: Any]) -> Resize {
  let interpolation: Resize.Interpolation =
    switch config["mode"] as! String {
    case "nearest": .nearest(.init(rawValue: config["nearest"] as! String)!)
    case "linear": .linear
    default: .cubic(coefficient: config["cubicCoefficient"] as! Double)
    }
  return Resize(
    axes: config["axes"] as! [Int], to: config["sizes"] as! [Int],
    scales: (config["scales"] as! [Double]).map(Float.init),
    by: interpolation, coordinates: .init(rawValue: config["coordinates"] as! String)!)
}

func makeSoftRule(_ operation: (any Pullbacks.Operation)?, _ settings: [String: Any]) -> any Rule {
  let temperature = Float(settings["temperature"] as? Double ?? 1)
  switch operation {
  case is any Gate: return SoftGate(temperature: temperature)
  case is MaxPool:
    return SoftMaxPool(temperature: temperature, border: .init(rawValue: settings["border"] as! String)!)
  case is any Normalisation: return FrozenStatistics()
  default: return FrozenAttention(temperature: temperature)
  }
}
