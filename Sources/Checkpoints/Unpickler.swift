import Failures

/// An interpreter of the pickle language that builds data and runs nothing.
///
/// The language is a stack machine's: a few instructions push values, others pack the top of the stack into tuples,
/// lists and dictionaries, and `REDUCE` calls a named function. Here a function is a case of ``PickleGlobal``; a name
/// outside that list ends the reading. Time and memory are bounded by ``Limits``.
///
/// Source: the commentary in CPython's `Lib/pickletools.py`.
struct Unpickler {
  /// Generous for a state dict: a thousand tensors take about 30,000 instructions.
  enum Limits {
    static let bytes = 64 << 20
    static let instructions = 4_000_000
    static let stack = 1_000_000
    static let memo = 1_000_000
    static let objects = 1_000_000
    static let name = 256
    /// Longer strings are passed over; they are nobody's name.
    static let string = 65_536
  }

  private(set) var heap = PickleHeap()
  private(set) var torch = TorchObjects()
  private var cursor: ByteCursor
  private var stack: [PickleValue] = []
  /// The heights of the stack at which the open marks were set.
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]

  /// - Parameter range: the place of the pickle; it may end before the range does.
  init(_ file: FileCopy, _ range: Range<Int>) {
    cursor = ByteCursor(file, range.lowerBound..<min(range.upperBound, range.lowerBound + Limits.bytes))
  }

  /// The position behind the last instruction executed.
  var position: Int { cursor.position }

  /// Runs to the `STOP` instruction and returns the value on the stack.
  mutating func run() throws -> PickleValue {
    for _ in 0..<Limits.instructions {
      let code = try cursor.number(UInt8.self)
      guard let opcode = PickleOpcode(rawValue: code) else {
        throw malformed("has the instruction 0x\(String(code, radix: 16)), which no state dict uses,")
      }
      if opcode == .stop { return try pop() }
      try execute(opcode)
      let objects = heap.count + torch.count
      guard stack.count <= Limits.stack, marks.count <= Limits.stack, memo.count <= Limits.memo,
        objects <= Limits.objects, heap.copies <= Limits.instructions
      else { throw malformed("needs more memory than any state dict") }
    }
    throw malformed("has more than \(Limits.instructions) instructions")
  }

  private mutating func execute(_ opcode: PickleOpcode) throws {
    switch opcode {
    case .proto:
      let version = try cursor.number(UInt8.self)
      guard version <= 5 else { throw malformed("is of protocol \(version), not 2 to 5,") }
    case .frame: _ = try cursor.skip(8)
    case .stop: break  // The end, which run() sees first.

    case .none: stack.append(.none)
    case .newTrue: stack.append(.bool(true))
    case .newFalse: stack.append(.bool(false))
    case .binInt: stack.append(.int(Int(try cursor.number(Int32.self))))
    case .binInt1: stack.append(.int(Int(try cursor.number(UInt8.self))))
    case .binInt2: stack.append(.int(Int(try cursor.number(UInt16.self))))
    case .long1: try pushInteger(bytes: Int(try cursor.number(UInt8.self)))
    case .long4: try pushInteger(bytes: Int(try cursor.number(Int32.self)))
    case .binFloat: try pushOpaque(bytes: 8)

    case .binString: try pushString(bytes: Int(try cursor.number(Int32.self)), mustBeText: false)
    case .shortBinString: try pushString(bytes: Int(try cursor.number(UInt8.self)), mustBeText: false)
    case .binUnicode: try pushString(bytes: Int(try cursor.number(UInt32.self)), mustBeText: true)
    case .shortBinUnicode: try pushString(bytes: Int(try cursor.number(UInt8.self)), mustBeText: true)
    case .binUnicode8: try pushString(bytes: Int(clamping: try cursor.number(UInt64.self)), mustBeText: true)
    case .binBytes: try pushOpaque(bytes: Int(try cursor.number(UInt32.self)))
    case .shortBinBytes: try pushOpaque(bytes: Int(try cursor.number(UInt8.self)))
    case .binBytes8: try pushOpaque(bytes: Int(clamping: try cursor.number(UInt64.self)))

    case .mark: marks.append(stack.count)
    case .pop:
      if marks.last == stack.count { marks.removeLast() } else { _ = try pop() }
    case .popMark: _ = try popToMark()

    case .emptyTuple: pushTuple([])
    case .tuple: pushTuple(try popToMark())
    case .tuple1: pushTuple(try pop(1))
    case .tuple2: pushTuple(try pop(2))
    case .tuple3: pushTuple(try pop(3))
    case .emptyList: stack.append(.list(heap.newSequence([])))
    case .append: try append(try pop(1))
    case .appends: try append(try popToMark())
    case .emptyDict: stack.append(.dict(heap.newDict()))
    case .setItem: try setItems(try pop(2))
    case .setItems: try setItems(try popToMark())
    case .emptySet: stack.append(.opaque)
    case .addItems: try append(try popToMark())
    case .frozenSet:
      _ = try popToMark()
      stack.append(.opaque)

    case .binGet: try recall(Int(try cursor.number(UInt8.self)))
    case .longBinGet: try recall(Int(try cursor.number(UInt32.self)))
    case .binPut: memo[Int(try cursor.number(UInt8.self))] = try top()
    case .longBinPut: memo[Int(try cursor.number(UInt32.self))] = try top()
    case .memoize: memo[memo.count] = try top()

    case .global:
      let module = try cursor.file.text(in: try cursor.line(atMost: Limits.name))
      let name = try cursor.file.text(in: try cursor.line(atMost: Limits.name))
      guard let module, let name else { throw malformed("asks for a name that is no UTF-8,") }
      try pushGlobal(module, name)
    case .stackGlobal:
      let names = try pop(2)
      guard case .string(let module) = names[0], case .string(let name) = names[1] else {
        throw malformed("asks for a global whose name is no text,")
      }
      try pushGlobal(module, name)
    case .reduce, .newObject: try call()
    case .build: try build()
    case .binPersistentID: stack.append(try torch.persistentObject(try pop(), heap, cursor))
    }
  }

  private func malformed(_ problem: String) -> PullbackError { cursor.malformedPickle(problem) }
}

extension ByteCursor {
  /// The error for a pickle that `problem`, with the place of the instruction.
  func malformedPickle(
    _ problem: String, advice: String? = "download or save the checkpoint again"
  ) -> PullbackError {
    file.malformed("its pickle \(problem) near byte \(position)", advice: advice)
  }
}

// MARK: The stack

extension Unpickler {
  /// The part of the stack an instruction may touch begins at the last mark.
  private var floor: Int { marks.last ?? 0 }

  private func top() throws -> PickleValue {
    guard let value = stack.last, stack.count > floor else { throw malformed("reads from an empty stack") }
    return value
  }

  private mutating func pop() throws -> PickleValue {
    let value = try top()
    stack.removeLast()
    return value
  }

  private mutating func pop(_ count: Int) throws -> [PickleValue] {
    guard stack.count - floor >= count else { throw malformed("reads from an empty stack") }
    let values = Array(stack.suffix(count))
    stack.removeLast(count)
    return values
  }

  private mutating func popToMark() throws -> [PickleValue] {
    guard let mark = marks.popLast() else { throw malformed("looks for a mark that was not set") }
    let values = Array(stack[mark...])
    stack.removeLast(stack.count - mark)
    return values
  }

  private mutating func pushTuple(_ items: [PickleValue]) {
    stack.append(.tuple(heap.newSequence(items)))
  }

  private mutating func pushOpaque(bytes count: Int) throws {
    _ = try cursor.skip(count)
    stack.append(.opaque)
  }

  private mutating func pushString(bytes count: Int, mustBeText: Bool) throws {
    let range = try cursor.skip(count)
    if count > Limits.string {
      stack.append(.opaque)
    } else if let text = try cursor.file.text(in: range) {
      stack.append(.string(text))
    } else if mustBeText {
      throw malformed("has a string that is no UTF-8")
    } else {
      // Python 2 wrote bytes and text alike.
      stack.append(.opaque)
    }
  }

  /// A two's complement integer of up to 255 bytes; longer ones are nobody's shape and not kept.
  private mutating func pushInteger(bytes count: Int) throws {
    let bytes = try cursor.file.bytes(in: try cursor.skip(count))
    if count > 255 {
      stack.append(.opaque)
    } else if count > 8 {
      stack.append(.longInteger(Array(bytes)))
    } else {
      let negative = bytes.last.map { $0 & 0x80 != 0 } ?? false
      stack.append(.int(bytes.reversed().reduce(negative ? -1 : 0) { $0 << 8 | Int($1) }))
    }
  }

  private mutating func recall(_ key: Int) throws {
    guard let value = memo[key] else { throw malformed("recalls value \(key), which was not stored,") }
    stack.append(value)
  }

  private mutating func append(_ items: [PickleValue]) throws {
    switch try top() {
    case .list(let index): heap.append(items, toList: index)
    case .opaque: break
    default: throw malformed("appends to something that is no list")
    }
  }

  private mutating func setItems(_ items: [PickleValue]) throws {
    guard items.count % 2 == 0 else { throw malformed("has a key without a value") }
    switch try top() {
    case .dict(let index):
      for position in stride(from: 0, to: items.count, by: 2) {
        heap.set(items[position], to: items[position + 1], inDict: index)
      }
    case .opaque: break
    default: throw malformed("sets items of something that is no dictionary")
    }
  }
}

// MARK: Globals and calls

extension Unpickler {
  private mutating func pushGlobal(_ module: String, _ name: String) throws {
    guard let global = PickleGlobal(module: module, name: name) else {
      throw cursor.malformedPickle(
        "asks for \(quoted("\(module).\(name)")), which is no part of a state dict: it was refused, nothing was run,",
        advice: Self.advice(for: module))
    }
    stack.append(.global(global))
  }

  /// Advice on saving a file without the object that was refused.
  private static func advice(for module: String) -> String {
    if module.hasPrefix("torch.distributed") || module.hasPrefix("torch._C._distributed") {
      return "it is one part of a network that was trained on several devices: in Python, save "
        + "torch.distributed.checkpoint.state_dict.get_model_state_dict(model, "
        + "options=StateDictOptions(full_state_dict=True))"
    }
    return "in Python, save the network's state_dict() alone"
  }

  private mutating func call() throws {
    let values = try pop(2)
    guard case .global(let function) = values[0], case .tuple(let index) = values[1] else {
      throw malformed("calls something that is no function")
    }
    stack.append(try torch.call(function, heap.sequences[index], &heap, cursor))
  }

  /// Python sets an object's attributes here: the version numbers of a state dict, the flags of a parameter. None of
  /// them is a tensor's value.
  private mutating func build() throws {
    _ = try pop()
    switch try top() {
    case .dict, .tensor, .opaque: break
    default: throw malformed("sets attributes of something that has none")
    }
  }
}
