import Failures
import Foundation
import Imaging
import Onnx
import Pullbacks

/// The file that each input of a graph is given.
struct GivenInputs {
  /// The input that is explained.
  let explained: OnnxFile.Value
  let content: InputContent?
  /// The values of the others beside a batch: with a batch axis of one, or as the file states their shape where that
  /// has none.
  let held: [String: Tensor]
  /// The values that have every extent that the file states; they are all that is known of a file without a batch axis.
  private let wholeHeld: [String: Tensor]
  /// The error about a value that fits no batch, if there is one: it is used where the file has a batch axis.
  private let noBatch: PullbackError?
  private let file: OnnxFile
  private let request: GraphRequest

  init(_ request: GraphRequest, to file: OnnxFile) throws {
    (self.file, self.request) = (file, request)
    var named: [String: String] = [:]
    var unnamed: [String] = []
    for text in request.inputs {
      let parts = file.split(text)
      if parts.count == 2, file.inputs.contains(where: { $0.name == parts[0] }) {
        guard named.updateValue(parts[1], forKey: parts[0]) == nil else {
          throw PullbackError(.usage, "input \(text)", "the input \(parts[0]) is given twice")
        }
      } else {
        guard parts.count < 2 || parts[0].contains("/") || FileManager.default.fileExists(atPath: text) else {
          // The file would be reported missing, by a name that is none.
          _ = try file.input(parts[0])
          continue
        }
        unnamed.append(text)
      }
    }
    let names = file.inputs.map(\.name)
    guard unnamed.count <= 1 else {
      throw PullbackError(
        .usage, "input \(unnamed[1])", "\(file.path) has the inputs \(names.joined(separator: ", "))",
        advice: "say which is meant, as in \(names.last!)=\(unnamed[1])")
    }
    let open = file.inputs.filter { named[$0.name] == nil }
    if let name = request.explained {
      explained = try file.input(name, by: "explain")
    } else if !unnamed.isEmpty, open.count == 1 {
      explained = open[0]
    } else if file.inputs.count == 1 {
      explained = file.inputs[0]
    } else if unnamed.isEmpty, open.count == 1 {
      explained = open[0]
    } else {
      throw Self.unclear(file, open: open.map(\.name))
    }
    let name = explained.name
    if let path = unnamed.first {
      guard named.updateValue(path, forKey: name) == nil else {
        throw PullbackError(.usage, "input \(path)", "the input \(name) is given twice")
      }
    }
    let explainedPath = named.removeValue(forKey: name)
    content = try explainedPath.map { try InputContent($0) }
    var (held, whole): ([String: Tensor], [String: Tensor]) = ([:], [:])
    var noBatch: PullbackError?
    for input in file.inputs where input.name != name {
      guard let path = named[input.name] else {
        throw PullbackError(
          .usage, "input \(input.name)", "\(file.path) needs it, and it is given nothing: \(input.inWords)",
          advice: "name a file for it, as in \(input.name)=FILE.npy")
      }
      let value = try Self.value(at: path, of: input, file)
      if value.rank == input.extents.count, file.fits(value.shape, input) { whole[input.name] = value }
      held[input.name] = value.rank < input.extents.count ? value.reshaped([1] + value.shape) : value
      guard let first = value.shape.first, first > 1, value.rank == input.extents.count,
        explained.extents.first.map({ $0.mayBeAxis(input.extents[0]) }) == true
      else { continue }
      held[input.name] = value.image(0)
      noBatch = PullbackError(
        .data, path,
        "the input \(input.name) is held at one value for all, expected \(input.inWords) with a batch of 1, "
          + "found \(value.shape)", advice: "explain one row of each at a time")
    }
    let rank = explained.extents.count
    if case .array(let array, let path) = content, array.rank == rank + 1, !explained.extents.contains(where: \.isOpen)
    {
      noBatch = Self.misfit(array, path, explained)
    }
    (self.held, wholeHeld, self.noBatch) = (held, whole, noBatch)
  }

  private static func misfit(_ array: Tensor, _ path: String, _ input: OnnxFile.Value) -> PullbackError {
    PullbackError(
      .data, path,
      "expected \(input.inWords) for the input \(input.name), found an array of shape \(array.shape)")
  }

  /// That of several inputs it is not said which is explained.
  private static func unclear(_ file: OnnxFile, open: [String]) -> PullbackError {
    let names = file.inputs.map(\.name)
    let all = names.joined(separator: ", ")
    if open.isEmpty {
      return PullbackError(
        .usage, "explained input",
        "\(file.path) has the inputs \(all), each is given a value, and any may be explained",
        advice: "name the one that is; the others are held at their values")
    }
    if open.count < names.count {
      let held = names.filter { !open.contains($0) }.joined(separator: ", ")
      return PullbackError(
        .usage, "explained input", "of the inputs of \(file.path), \(all), only \(held) is given a value",
        advice: "name the one that is explained, and give each of the others a value, as in \(open.last!)=FILE.npy")
    }
    return PullbackError(
      .usage, "explained input", "\(file.path) has the inputs \(all)",
      advice: "name the one that is explained, and give each of the others a value, as in \(names[0])=FILE.npy")
  }

  /// The value of an input that is held, of the shape that the file states, with a first extent of 1, or without it.
  private static func value(at path: String, of input: OnnxFile.Value, _ file: OnnxFile) throws -> Tensor {
    guard case .array(let value, _) = try InputContent(path) else {
      throw PullbackError(
        .data, path, "expected an .npy for the input \(input.name), which is held",
        advice: "say which input is explained")
    }
    let count = input.extents.count
    let batched = value.rank == count - 1 ? [1] + value.shape : value.shape
    guard batched.count == count, batched.first == 1 || file.fits(batched, input) else {
      throw PullbackError(
        .data, path,
        "the input \(input.name) is held, expected \(input.inWords) or a batch of 1, found \(value.shape)")
    }
    try file.check(batched, of: input)
    if value.type == .int64, input.isFloat { return Tensor(shape: value.shape, value.integers.map(Float.init)) }
    if value.type == .float32, !input.isFloat { return try value.asIntegers(path) }
    return value
  }

  /// The network of the file. A file that has no batch axis, or cannot be read with one, is read whole.
  func model(_ options: OnnxOptions) throws -> OnnxModel {
    do {
      var options = options
      options.trial[explained.name] = trial
      let model = try OnnxModel(file, options: options)
      if let noBatch { throw noBatch }
      return model
    } catch let error as PullbackError {
      guard error != noBatch else { throw error }
      let isNoBatch = error.problem == OnnxModel.noBatch
      if let whole = wholeOptions(options) {
        do { return try OnnxModel(file, options: whole) } catch let other as PullbackError {
          // It may fail for another reason than a batch of one does.
          guard other.subject != error.subject, let shape = whole.shapes[explained.name], shape.first != 1 else {
            throw error
          }
          var both = error
          both.problem += " where \(explained.name) is a batch; and read whole, as \(shape), \(other)"
          throw both
        }
      }
      let short = file.inputs.first { held[$0.name] != nil && wholeHeld[$0.name] == nil }
      guard let short, isNoBatch || (short.extents.first?.count ?? 1) > 1 else { throw error }
      var advised = error
      let advice = "if the file has no batch axis, give \(short.name) whole: \(short.inWords)"
      advised.advice = [isNoBatch ? nil : error.advice, advice].compactMap { $0 }.joined(separator: "; ")
      throw advised
    }
  }

  /// What will come in, of the type that the explained input has; nil where that is not known, or one place of it.
  private var trial: Tensor? {
    guard case .array(let array, let path) = content, array.rank == explained.extents.count else { return nil }
    if !explained.isFloat { return try? array.asIntegers(path) }
    return array.type == .float32 ? array : Tensor(shape: array.shape, array.integers.map(Float.init))
  }

  /// The options for a file without a batch axis; nil where a shape is not known, or what is given does not fit.
  private func wholeOptions(_ options: OnnxOptions) -> OnnxOptions? {
    guard options.pictures.isEmpty, wholeHeld.count == file.inputs.count - 1 else { return nil }
    let count = explained.extents.count
    let shape: [Int]
    if case .array(let array, _) = content {
      shape = array.rank == count + 1 ? Array(array.shape.dropFirst()) : array.shape
    } else {
      shape = request.shapes[explained.name] ?? explained.extents.compactMap { $0.count }
    }
    guard !shape.isEmpty, file.fits(shape, explained) else { return nil }
    var whole = options
    whole.batch = .none
    whole.shapes = options.shapes.merging([explained.name: shape]) { $1 }
    whole.held = wholeHeld
    return whole
  }

  /// Says in the options what the explained input is.
  ///
  /// - Returns: the preprocessing of pictures; nil if the input is taken as it is.
  func prepare(_ options: inout OnnxOptions, _ request: GraphRequest) throws -> Preprocessing? {
    let isPicture = content.map { !$0.isArray } ?? request.showsPictures
    guard isPicture || request.preprocessing != nil else {
      guard case .array(let array, let path) = content else { return nil }
      guard array.count > 0 else {
        throw PullbackError(.data, path, "is empty: expected \(explained.inWords), found the shape \(array.shape)")
      }
      let rank = explained.extents.count
      guard (rank - 1...rank).contains(array.rank) || noBatch != nil else {
        throw Self.misfit(array, path, explained)
      }
      options.shapes[explained.name] = rank == 0 ? [] : [1] + array.shape.suffix(rank - 1)
      try checkShape(options.shapes[explained.name]!, path)
      return nil
    }
    guard explained.isFloat, explained.extents.count == 4 else {
      throw PullbackError(
        .usage, "pictures",
        "expected an input of floats (N, C, H, W) or (N, H, W, C), found \(explained.name): "
          + explained.inWords, advice: "give it arrays")
    }
    var preprocessing = request.preprocessing ?? Preprocessing(.torchvision)
    let layout = preprocessing.layout ?? explained.usualLayout
    guard let channels = explained.channels(layout) else {
      throw PullbackError(
        .usage, "pictures", "expected 1, 3 or 4 channels, found \(explained.name): \(explained.inWords)",
        advice: "give it arrays, or say which layout it has")
    }
    guard request.preprocessing != nil || channels == 3 else {
      throw PullbackError(
        .usage, "pictures",
        "\(explained.name) has \(channels) channels, and nothing is known of how they are normalised",
        advice: "name a preprocessing, as unit")
    }
    let sides = try explained.extents.dropFirst(layout == .channelsLast ? 1 : 2).prefix(2).map { extent in
      let asked = request.shapes[explained.name].map { $0[layout == .channelsLast ? 1 : 2] }
      guard case .known(let side) = extent else { return asked ?? preprocessing.size ?? 224 }
      guard preprocessing.size == nil || preprocessing.size == side else {
        throw PullbackError(
          .usage, "crop \(preprocessing.size!)", "\(explained.name) is \(explained.inWords) and of no other size")
      }
      return side
    }
    options.shapes[explained.name] = [1] + (layout == .channelsLast ? sides + [channels] : [channels] + sides)
    // Inputs of this package's networks are in [-1, 1].
    if preprocessing.normalisation == nil { preprocessing.normalisation = .signed }
    let layer = try preprocessing.normalisation!.each(channels)
    options.pictures[explained.name] = OnnxPictures(
      mean: layer.mean, std: layer.std, channelsLast: layout == .channelsLast,
      reversesChannels: preprocessing.reversesChannels)
    return preprocessing
  }

  private func checkShape(_ shape: [Int], _ path: String) throws {
    guard zip(shape, explained.extents).dropFirst().allSatisfy({ $1 == .known($0) || $1.isOpen }), !shape.contains(0)
    else {
      throw PullbackError(
        .data, path,
        "expected \(explained.inWords) for the input \(explained.name), found an array of shape (N, "
          + shape.dropFirst().map(String.init).joined(separator: ", ") + ")")
    }
  }
}

extension OnnxFile {
  /// `name=file` in its parts, where a name may hold the sign as well; one part where there is no such sign.
  fileprivate func split(_ text: String) -> [String] {
    let known = inputs.map(\.name).filter { text.hasPrefix("\($0)=") }.max { $0.count < $1.count }
    if let known { return [known, String(text.dropFirst(known.count + 1))] }
    return text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
  }

  func input(_ name: String, by option: String = "input") throws -> Value {
    if let input = inputs.first(where: { $0.name == name }) { return input }
    throw PullbackError(
      .usage, "\(option) \(name)", "\(path) has no input of this name",
      advice: "it has \(inputs.map(\.name).joined(separator: ", "))")
  }

  /// Whether a shape has every extent that the file states, the first one perhaps excepted.
  fileprivate func fits(_ shape: [Int], _ input: Value, anyFirst: Bool = false) -> Bool {
    shape.count == input.extents.count && !shape.contains(0)
      && zip(shape, input.extents).dropFirst(anyFirst ? 1 : 0).allSatisfy { $1 == .known($0) || $1.isOpen }
  }

  /// Throws unless a shape is one that the file allows, with any first extent.
  func check(_ shape: [Int], of input: Value) throws {
    guard fits(shape, input, anyFirst: true)
    else { throw PullbackError(.usage, "input \(input.name)", "expected \(input.inWords), found the shape \(shape)") }
  }
}

extension OnnxFile.Extent {
  fileprivate var isOpen: Bool { count == nil }
  /// Whether it may be the same axis as another: a batch, for instance. Exporters make up names for axes without one.
  fileprivate func mayBeAxis(_ other: Self) -> Bool {
    guard case .open(let name) = self, case .open(let otherName) = other else { return self == other }
    return name == otherName || [name, otherName].contains { $0.isEmpty || $0.contains("dynamic_axes") }
  }
  fileprivate var count: Int? { if case .known(let count) = self { count } else { nil } }
}

extension OnnxFile.Value {
  /// The number of channels of pictures in a layout; nil where they are none. Open ones are three.
  fileprivate func channels(_ layout: Preprocessing.Layout) -> Int? {
    switch extents[layout == .channelsLast ? 3 : 1] {
    case .known(let count): Picture.Channels(rawValue: count) == nil ? nil : count
    case .open: 3
    }
  }

  /// Channels last where that axis alone has as many places as pictures have channels.
  fileprivate var usualLayout: Preprocessing.Layout {
    if case .known(let last) = extents[3], Picture.Channels(rawValue: last) != nil {
      if case .known(let second) = extents[1], Picture.Channels(rawValue: second) != nil { return .channelsFirst }
      return .channelsLast
    }
    return .channelsFirst
  }
}
