import Checkpoints
import Pullbacks
import Testing

/// Pickles that want to run something, to reach outside the file or to exhaust the machine. Each is tried in both of
/// PyTorch's formats and must end in the right error, soon.
@Suite struct HostilePickleTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var pickle: [UInt8]
    /// Part of the error's text, for the zip and for the legacy format.
    var zipSays: String
    var legacySays: String

    init(_ description: String, _ pickle: [UInt8], says: String, inLegacy: String? = nil) {
      (testDescription, self.pickle, zipSays, legacySays) = (description, pickle, says, inLegacy ?? says)
    }
  }

  /// The same `unit` many times over.
  private static func repeated(_ unit: [UInt8], _ times: Int) -> [UInt8] {
    Array(repeatElement(unit, count: times).joined())
  }

  private static let view = Pickle.tensor(shape: [2, 3], strides: [3, 1])

  static let calls: [Case] = [
    Case(
      "os.system by GLOBAL and REDUCE",
      Pickle.whole(Pickle.call(Pickle.global("os", "system"), [Pickle.text("true")])),
      says: "asks for \"os.system\", which is no part of a state dict: it was refused, nothing was run"),
    Case(
      "posix.system by STACK_GLOBAL",
      Pickle.whole(
        Pickle.text("posix") + Pickle.text("system") + Pickle.stackGlobal + Pickle.text("true") + Pickle.tuple1
          + Pickle.reduce, protocol: 4),
      says: "\"posix.system\""),
    Case("eval", Pickle.whole(Pickle.global("__builtin__", "eval")), says: "\"__builtin__.eval\""),
    Case("getattr", Pickle.whole(Pickle.global("builtins", "getattr")), says: "\"builtins.getattr\""),
    Case("torch.load", Pickle.whole(Pickle.global("torch", "load")), says: "\"torch.load\""),
    Case(
      "a name with dots", Pickle.whole(Pickle.global("torch._utils", "os.system")), says: "\"torch._utils.os.system\""),
    Case(
      "a name with line noise", Pickle.whole(Pickle.global("a\u{1B}[2J\rb", "c")), says: "\"a\\u{1B}[2J\\rb.c\""),
    Case("an old-style instance", Pickle.whole(Pickle.mark + Array("ios\nsystem\n".utf8)), says: "instruction 0x69"),
    Case("an extension code", Pickle.whole([0x82, 1]), says: "instruction 0x82"),
    Case("calls text", Pickle.whole(Pickle.call(Pickle.text("eval"), [])), says: "calls something that is no function"),
    Case(
      "calls a storage type", Pickle.whole(Pickle.call(Pickle.global("torch", "FloatStorage"), [])),
      says: "calls a type of PyTorch"),
    Case(
      "rebuilds with a foreign function",
      Pickle.whole(
        Pickle.call(
          Pickle.global("torch._tensor", "_rebuild_from_type_v2"),
          [Pickle.global("argparse", "Namespace"), Pickle.none, Pickle.tuple([]), Pickle.none])),
      says: "rebuilds something that is no tensor"),
    Case("protocol 6", Pickle.whole(Pickle.none, protocol: 6), says: "is of protocol 6"),
  ]

  static let machine: [Case] = [
    Case("an empty stack at the end", Pickle.whole([]), says: "reads from an empty stack"),
    Case("pops nothing", Pickle.whole(Pickle.pop), says: "reads from an empty stack"),
    Case("reaches below a mark", Pickle.whole(Pickle.none + Pickle.mark + Pickle.tuple1), says: "empty stack"),
    Case("no mark", Pickle.whole(Pickle.tupleFromMark), says: "a mark that was not set"),
    Case(
      "an odd number of items", Pickle.whole(Pickle.emptyDict + Pickle.mark + Pickle.none + Array("u".utf8)),
      says: "key"),
    Case(
      "items of a number", Pickle.whole(Pickle.int(1) + Pickle.none + Pickle.none + Pickle.setItem),
      says: "no dictionary"),
    Case("appends to a number", Pickle.whole(Pickle.int(1) + Pickle.none + Pickle.append), says: "no list"),
    Case("attributes of a number", Pickle.whole(Pickle.int(1) + Pickle.none + Pickle.build), says: "has none"),
    Case("recalls nothing", Pickle.whole(Pickle.get(7)), says: "recalls value 7"),
    Case("recalls far away", Pickle.whole(Array("j".utf8) + little(UInt32.max)), says: "recalls value 4294967295"),
    Case("text of 2^63 bytes", Pickle.whole([0x8D] + little(UInt64(1) << 63)), says: "ends too early"),
    Case("text of 2^64 - 1 bytes", Pickle.whole([0x8D] + little(UInt64.max)), says: "ends too early"),
    Case("bytes of 2^64 - 1 bytes", Pickle.whole([0x8E] + little(UInt64.max)), says: "ends too early"),
    Case("text of -1 bytes", Pickle.whole(Array("T".utf8) + little(Int32(-1))), says: "ends too early"),
    Case("an integer of -1 bytes", Pickle.whole([0x8B] + little(Int32(-1))), says: "ends too early"),
    Case("text that is no UTF-8", Pickle.whole([0x8C, 2, 0xC3, 0x28]), says: "no UTF-8"),
    Case(
      "a name without end", Pickle.whole(Array("c".utf8) + [UInt8](repeating: 0x61, count: 1000)),
      says: "a line of more"),
    Case("a million values", Pickle.whole(repeated(Pickle.none, 1_000_100)), says: "more memory"),
    Case("a million marks", Pickle.whole(repeated(Pickle.mark, 1_000_100)), says: "more memory"),
    Case("a million lists", Pickle.whole(repeated(Pickle.emptyList + Pickle.pop, 1_000_100)), says: "more memory"),
    Case("a million memos", Pickle.whole(Pickle.none + repeated(Pickle.memoize, 1_000_100)), says: "more memory"),
    Case(
      "four million instructions", Pickle.whole(repeated(Pickle.none + Pickle.pop, 2_000_100)),
      says: "more than 4000000 instructions"),
    Case(
      "long lists copied again and again",
      Pickle.whole(
        Pickle.emptyList + Pickle.put(0) + Pickle.mark
          + repeated(Pickle.text("k") + Pickle.none + Pickle.tuple2, 100_000) + Array("e".utf8)
          + repeated(
            Pickle.global("collections", "OrderedDict") + Pickle.get(0) + Pickle.tuple1 + Pickle.reduce + Pickle.pop,
            1000)),
      says: "more memory"),
    Case(
      "lists in lists, 400,000 deep",
      Pickle.whole(repeated(Pickle.emptyList, 400_000) + repeated(Pickle.append, 399_999)), says: "holds a list"),
    Case(
      "state dicts in state dicts, 100,000 deep",
      Pickle.whole(
        repeated(Pickle.emptyDict + Pickle.text("model"), 100_000) + Pickle.none + repeated(Pickle.setItem, 100_000)),
      says: "holds no state dict"),
    Case(
      "tuples in tuples, 900,000 deep", Pickle.whole(Pickle.none + repeated(Pickle.tuple1, 900_000)),
      says: "holds a list"),
    Case(
      "a dictionary in itself",
      Pickle.whole(Pickle.emptyDict + Pickle.put(0) + Pickle.text("model") + Pickle.get(0) + Pickle.setItem),
      says: "holds no state dict"),
    Case(
      "a list in itself", Pickle.whole(Pickle.emptyList + Pickle.put(0) + Pickle.get(0) + Pickle.append),
      says: "holds a list"),
  ]

  static let tensors: [Case] = [
    ("one element too many", Pickle.tensor(shape: [7], strides: [1]), "reads element 6 of a storage of 6"),
    ("one row too many", Pickle.tensor(shape: [3, 3], strides: [3, 1]), "reads element 8 of a storage of 6"),
    ("an offset behind the end", Pickle.tensor(offset: 6, shape: [], strides: []), "reads element 6"),
    ("an offset before the start", Pickle.tensor(offset: -1, shape: [2], strides: [1]), "offset -1"),
    ("a negative stride", Pickle.tensor(offset: 5, shape: [2], strides: [-1]), "strides [-1]"),
    ("a negative size", Pickle.tensor(shape: [-1], strides: [1]), "has the shape [-1]"),
    ("too few strides", Pickle.tensor(shape: [2, 3], strides: [1]), "strides [1]"),
    ("a size that overflows", Pickle.tensor(shape: [1 << 62, 4], strides: [0, 0]), "its size overflows"),
    (
      "a size that overflows beside a zero", Pickle.tensor(shape: [0, 1 << 62, 4], strides: [1, 1, 1]),
      "its size overflows"
    ),
    ("an extent that overflows", Pickle.tensor(shape: [1 << 40], strides: [1 << 40]), "its extent overflows"),
    ("an expansion to a terabyte", Pickle.tensor(shape: [1 << 38], strides: [0]), "expands 6 stored elements"),
    (
      "65 axes", Pickle.tensor(shape: .init(repeating: 1, count: 65), strides: .init(repeating: 1, count: 65)),
      "rebuilds a tensor of something else"
    ),
    ("a storage of -1 elements", Pickle.tensor(Pickle.storage(count: -1), shape: [1], strides: [1]), "no storage"),
    (
      "a whole module as persistent object",
      Pickle.tuple([Pickle.text("module"), Pickle.none, Pickle.none, Pickle.none]) + Pickle.persistent, "no storage"
    ),
  ].map { Case($0.0, whole($0.1), says: $0.2) }

  static let storages: [Case] = [
    Case(
      "an unknown key", whole(Pickle.tensor(Pickle.storage(key: "../0"), shape: [1], strides: [1])),
      says: "its archive lacks \"archive/data/../0\"", inLegacy: "one that no tensor refers to"),
    Case(
      "7 elements", whole(Pickle.tensor(Pickle.storage(count: 7), shape: [1], strides: [1])),
      says: "expects 7 elements of 4 bytes in a storage of 24", inLegacy: "has 6 elements, and its tensors expect 7"),
    Case(
      "2^62 elements", whole(Pickle.tensor(Pickle.storage(count: 1 << 62), shape: [1], strides: [1])),
      says: "expects 4611686018427387904 elements", inLegacy: "its tensors expect 4611686018427387904"),
    Case(
      "wider numbers", whole(Pickle.tensor(Pickle.storage("DoubleStorage"), shape: [1], strides: [1])),
      says: "expects 6 elements of 8 bytes in a storage of 24", inLegacy: "ends too early: 48 bytes"),
  ]

  private static func whole(_ value: [UInt8]) -> [UInt8] { Pickle.whole(Pickle.dict("w", value)) }

  /// Arrays of NumPy lie in the pickle itself, which is not called damaged for it.
  @Test func isTooLong() throws {
    let arrays = Pickle.whole(
      Pickle.dict("w", Array("B".utf8) + little(UInt32(65 << 20)) + [UInt8](repeating: 0, count: 65 << 20)))
    let error = try #require(try refusal(of: zipCheckpoint(arrays)))
    #expect(error.problem.hasPrefix("its pickle takes 65 MB") && error.problem.hasSuffix("arrays that are no tensors"))
  }

  @Test(arguments: calls + machine + tensors + storages)
  func isRefusedInAZip(_ hostile: Case) throws {
    let error = try #require(try refusal(of: zipCheckpoint(hostile.pickle)))
    #expect(error.kind == .data)
    #expect(error.problem.contains(hostile.zipSays), "\(error)")
    #expect(error.description.count < 600 && !error.description.contains("\n"))
  }

  @Test(arguments: calls + machine + tensors + storages)
  func isRefusedInALegacyFile(_ hostile: Case) throws {
    let error = try #require(try refusal(of: legacyCheckpoint(hostile.pickle)))
    #expect(error.kind == .data)
    #expect(error.problem.contains(hostile.legacySays), "\(error)")
  }

  /// The same builders make a good file, so that the refusals above are due to what is wrong in each.
  @Test func theHandMadeFileIsGood() throws {
    let good = Pickle.whole(Pickle.dict("w", Self.view))
    #expect(try refusal(of: zipCheckpoint(good)) == nil)
    #expect(try refusal(of: legacyCheckpoint(good)) == nil)
    // A dictionary of parameters that contains itself under a usual key is still one dictionary.
    let selfReferential =
      Pickle.emptyDict + Pickle.put(0) + Pickle.text("w") + Self.view + Pickle.setItem
      + Pickle.text("model") + Pickle.get(0) + Pickle.setItem + Pickle.text("net") + Pickle.get(0) + Pickle.setItem
    #expect(try refusal(of: zipCheckpoint(Pickle.whole(selfReferential))) == nil)
  }
}
