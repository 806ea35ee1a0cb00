import FlyingSocks

/// A response's body that comes in frames.
struct FrameBody: AsyncBufferedSequence {
  typealias Element = UInt8
  let frames: AsyncStream<[UInt8]>

  func makeAsyncIterator() -> Iterator { Iterator(frames: frames.makeAsyncIterator()) }

  struct Iterator: AsyncBufferedIteratorProtocol {
    var frames: AsyncStream<[UInt8]>.AsyncIterator
    private var rest: ArraySlice<UInt8> = []

    init(frames: AsyncStream<[UInt8]>.AsyncIterator) { self.frames = frames }

    mutating func next() async throws -> UInt8? {
      if rest.isEmpty { rest = (await frames.next() ?? [])[...] }
      return rest.popFirst()
    }

    /// A frame at a time, however large: a slice of it would only be copied once more.
    mutating func nextBuffer(suggested count: Int) async throws -> ArraySlice<UInt8>? {
      guard rest.isEmpty else {
        defer { rest = [] }
        return rest
      }
      return await frames.next().map { $0[...] }
    }
  }
}

/// A response's body after which the connection ends: what the client sent is not read to its end, and must not be
/// taken for another request.
struct LastBody: AsyncBufferedSequence {
  typealias Element = UInt8
  struct Ended: Error {}
  let bytes: [UInt8]

  func makeAsyncIterator() -> Iterator { Iterator(rest: bytes[...]) }

  struct Iterator: AsyncBufferedIteratorProtocol {
    var rest: ArraySlice<UInt8>

    mutating func next() async throws -> UInt8? {
      guard let byte = rest.popFirst() else { throw Ended() }
      return byte
    }

    mutating func nextBuffer(suggested count: Int) async throws -> ArraySlice<UInt8>? {
      guard !rest.isEmpty else { throw Ended() }
      defer { rest = [] }
      return rest
    }
  }
}
