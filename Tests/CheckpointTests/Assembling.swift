import Testing

/// Files put together byte by byte, to be wrong in one chosen place.

func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
  withUnsafeBytes(of: number.littleEndian) { Array($0) }
}

/// Bytes that must be refused, with part of the error's text. A test of many is listed under those texts.
struct Hostile: Sendable, CustomTestStringConvertible {
  var bytes: [UInt8]
  var says: String

  init(_ bytes: [UInt8], _ says: String) { (self.bytes, self.says) = (bytes, says) }

  var testDescription: String { says }
}

/// The instructions of the pickle machine.
enum Pickle {
  static let stop: [UInt8] = Array(".".utf8)
  static let none: [UInt8] = Array("N".utf8)
  static let mark: [UInt8] = Array("(".utf8)
  static let emptyDict: [UInt8] = Array("}".utf8)
  static let emptyList: [UInt8] = Array("]".utf8)
  static let append: [UInt8] = Array("a".utf8)
  static let setItem: [UInt8] = Array("s".utf8)
  static let tupleFromMark: [UInt8] = Array("t".utf8)
  static let tuple1: [UInt8] = [0x85]
  static let tuple2: [UInt8] = [0x86]
  static let reduce: [UInt8] = Array("R".utf8)
  static let persistent: [UInt8] = Array("Q".utf8)
  static let pop: [UInt8] = Array("0".utf8)
  static let build: [UInt8] = Array("b".utf8)
  static let memoize: [UInt8] = [0x94]
  static let stackGlobal: [UInt8] = [0x93]

  static func text(_ text: String) -> [UInt8] { Array("X".utf8) + little(UInt32(text.utf8.count)) + Array(text.utf8) }
  static func int(_ value: Int) -> [UInt8] { [0x8A, 8] + little(Int64(value)) }
  static func put(_ key: UInt8) -> [UInt8] { Array("q".utf8) + [key] }
  static func get(_ key: UInt8) -> [UInt8] { Array("h".utf8) + [key] }
  static func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }
  static func tuple(_ items: [[UInt8]]) -> [UInt8] { mark + items.joined() + tupleFromMark }
  static func call(_ function: [UInt8], _ arguments: [[UInt8]]) -> [UInt8] { function + tuple(arguments) + reduce }

  /// A dictionary with one item.
  static func dict(_ key: String, _ value: [UInt8]) -> [UInt8] { emptyDict + text(key) + value + setItem }

  static func storage(_ type: String = "FloatStorage", key: String = "0", count: Int = 6) -> [UInt8] {
    tuple([text("storage"), global("torch", type), text(key), text("cpu"), int(count)]) + persistent
  }

  static func tensor(_ storage: [UInt8] = storage(), offset: Int = 0, shape: [Int], strides: [Int]) -> [UInt8] {
    call(
      global("torch._utils", "_rebuild_tensor_v2"),
      [
        storage, int(offset), tuple(shape.map(int)), tuple(strides.map(int)), [0x89],
        call(global("collections", "OrderedDict"), []),
      ])
  }

  /// A whole pickle that ends with `value` on its stack.
  static func whole(_ value: [UInt8], protocol version: UInt8 = 2) -> [UInt8] { [0x80, version] + value + stop }
}

/// The six floats of the hand-made checkpoints' only storage.
let sixFloats: [UInt8] = [Float](arrayLiteral: 0, 1, 2, 3, 4, 5).flatMap { little($0.bitPattern) }

/// A zip checkpoint whose `data.pkl` is `pickle`.
func zipCheckpoint(_ pickle: [UInt8], storage: [UInt8] = sixFloats, byteOrder: String = "little") -> [UInt8] {
  zip([
    ("archive/data.pkl", pickle), ("archive/byteorder", Array(byteOrder.utf8)), ("archive/data/0", storage),
  ])
}

/// A legacy checkpoint whose object is `pickle`.
func legacyCheckpoint(
  _ pickle: [UInt8], count: Int = 6, storage: [UInt8] = sixFloats, keys: [String] = ["0"], littleEndian: Bool = true
) -> [UInt8] {
  let magic: [UInt8] = [0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
  let system = Pickle.dict("little_endian", littleEndian ? [0x88] : [0x89])
  let list = Pickle.emptyList + keys.flatMap { Pickle.text($0) + Pickle.append }
  return Pickle.whole(magic) + Pickle.whole(Pickle.int(1001)) + Pickle.whole(system) + pickle + Pickle.whole(list)
    + little(Int64(count)) + storage
}

/// What one zip entry may lie about.
struct ZipLies {
  var size: UInt32?
  var offset: UInt32?
  var flags: UInt16 = 0
  var method: UInt16 = 0
  var localName: String?
}

/// A zip archive of stored entries.
func zip(_ entries: [(name: String, bytes: [UInt8])], lies: [String: ZipLies] = [:]) -> [UInt8] {
  var file: [UInt8] = []
  var directory: [UInt8] = []
  for (name, bytes) in entries {
    let lie = lies[name] ?? ZipLies()
    let offset = UInt32(file.count)
    let size = little(UInt32(bytes.count))
    let localName = Array((lie.localName ?? name).utf8)
    let head = little(UInt16(20)) + little(lie.flags) + little(lie.method) + [UInt8](repeating: 0, count: 8)
    file +=
      little(UInt32(0x0403_4B50)) + head + size + size + little(UInt16(localName.count)) + [0, 0] + localName + bytes
    let told = lie.size.map { little($0) } ?? size
    directory += little(UInt32(0x0201_4B50)) + [20, 0] + head + told + told + little(UInt16(name.utf8.count))
    directory += [UInt8](repeating: 0, count: 12) + little(lie.offset ?? offset) + Array(name.utf8)
  }
  let count = little(UInt16(entries.count))
  return file + directory + little(UInt32(0x0605_4B50)) + [0, 0, 0, 0] + count + count
    + little(UInt32(directory.count)) + little(UInt32(file.count)) + [0, 0]
}

/// A safetensors file with this header.
func safeTensors(_ header: String, data: [UInt8] = sixFloats, length: UInt64? = nil) -> [UInt8] {
  little(length ?? UInt64(header.utf8.count)) + Array(header.utf8) + data
}
