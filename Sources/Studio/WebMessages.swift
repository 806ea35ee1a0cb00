import Foundation

/// A request of HTTP as its head says, before its body was read.
///
/// Written here, as ``WebConnection`` is, because the libraries' servers take heads of any length, or read them in a time
/// that grows with its square, and answer to the last of two `Host`s.
struct WebRequest: Sendable {
  let method, path: String
  /// By their names in lower case; each at most once.
  let headers: [String: String]

  /// How the body comes.
  enum Body: Sendable, Equatable {
    case counted(Int)
    case chunked

    /// The most bytes that it may have.
    ///
    /// - Throws: `Refusal` if they are more than `limit`.
    func most(_ limit: Int) throws(Refusal) -> Int {
      guard case .counted(let count) = self else { return limit }
      guard count <= limit else { throw .tooLarge(limit) }
      return count
    }
  }
  let body: Body

  func header(_ name: String) -> String? { headers[name.lowercased()] }

  /// Reads a head, its last empty line left out. Source: RFC 9112.
  ///
  /// - Throws: `Refusal` if it is none, or may be read in two ways.
  init(head: [UInt8]) throws(Refusal) {
    let lines = String(decoding: head, as: UTF8.self).components(separatedBy: "\r\n")
    // A lone CR or LF, in which others may see the end of a line, and NUL.
    guard !lines.contains(where: { $0.unicodeScalars.contains { ["\r", "\n", "\0"].contains($0) } }) else {
      throw Refusal(.badRequest, "the request's head has a character that ends no line")
    }
    let first = lines[0].split(separator: " ", omittingEmptySubsequences: false)
    guard first.count == 3, first[1].hasPrefix("/"), first.allSatisfy({ $0.allSatisfy { $0 > " " && $0 != "\u{7F}" } })
    else { throw Refusal(.badRequest, "the request's first line is not understood") }
    guard first[2] == "HTTP/1.1" else { throw Refusal(.versionNotSupported, "expected HTTP/1.1") }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, parts[0].wholeMatch(of: /[!#$%&'*+.^_`|~0-9A-Za-z-]+/) != nil else {
        throw Refusal(.badRequest, "a header of the request is not understood")
      }
      let name = parts[0].lowercased()
      guard headers.updateValue(parts[1].trimmingCharacters(in: [" ", "\t"]), forKey: name) == nil else {
        throw Refusal(.badRequest, "\(name): expected once")
      }
    }
    method = String(first[0])
    path = String(first[1].prefix { $0 != "?" && $0 != "#" })
    self.headers = headers
    switch (headers["transfer-encoding"], headers["content-length"]) {
    case (nil, nil): body = .counted(0)
    case (nil, let text?):
      guard text.wholeMatch(of: /[0-9]+/) != nil, let count = Int(text) else {
        throw Refusal(.badRequest, "Content-Length: expected a number of bytes")
      }
      body = .counted(count)
    case (let coding?, nil):
      guard coding.lowercased() == "chunked" else { throw Refusal(.badRequest, "Transfer-Encoding: expected chunked") }
      body = .chunked
    case (_?, _?): throw Refusal(.badRequest, "Content-Length and Transfer-Encoding: expected one of them")
    }
  }
}

/// A request that is refused, and why.
struct Refusal: Error {
  let status: WebResponse.Status
  let problem: String

  init(_ status: WebResponse.Status, _ problem: String) { (self.status, self.problem) = (status, problem) }

  static func tooLarge(_ limit: Int) -> Refusal {
    Refusal(.contentTooLarge, "the request has more than \(limit) bytes")
  }
}

/// An answer. The connection ends with it.
struct WebResponse: Sendable {
  enum Status: Int, Sendable {
    case ok = 200
    case noContent = 204
    case badRequest = 400
    case forbidden = 403
    case notFound = 404
    case requestTimeout = 408
    case contentTooLarge = 413
    case unprocessableContent = 422
    case headTooLarge = 431
    case internalServerError = 500
    case serviceUnavailable = 503
    case versionNotSupported = 505

    var phrase: String {
      switch self {
      case .ok: "OK"
      case .noContent: "No Content"
      case .badRequest: "Bad Request"
      case .forbidden: "Forbidden"
      case .notFound: "Not Found"
      case .requestTimeout: "Request Timeout"
      case .contentTooLarge: "Content Too Large"
      case .unprocessableContent: "Unprocessable Content"
      case .headTooLarge: "Request Header Fields Too Large"
      case .internalServerError: "Internal Server Error"
      case .serviceUnavailable: "Service Unavailable"
      case .versionNotSupported: "HTTP Version Not Supported"
      }
    }
  }

  enum Body: Sendable {
    case bytes([UInt8])
    /// Of a length that is not known yet, by the job that sends it.
    case frames(of: Job)
  }

  var status = Status.ok
  /// Of no line breaks.
  var headers: [(String, String)]
  var body: Body

  init(_ status: Status = .ok, type: String, headers others: [(String, String)] = [], _ body: Body) {
    self.status = status
    self.body = body
    let usual = [
      ("Content-Type", type), ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"),
      ("Referrer-Policy", "no-referrer"), ("Cross-Origin-Resource-Policy", "same-origin"), ("Connection", "close"),
    ]
    headers = usual.filter { name, _ in !others.contains { $0.0 == name } } + others
  }

  init(json value: some Encodable, _ status: Status = .ok) {
    self.init(status, type: "application/json", .bytes((try? JSONEncoder().encode(value)).map { Array($0) } ?? []))
  }

  /// What goes before the body.
  var head: [UInt8] {
    let length =
      switch body {
      case .bytes(let bytes): ("Content-Length", "\(bytes.count)")
      case .frames: ("Transfer-Encoding", "chunked")
      }
    let lines = (headers + [length]).map { "\($0.0): \($0.1)\r\n" }.joined()
    return Array("HTTP/1.1 \(status.rawValue) \(status.phrase)\r\n\(lines)\r\n".utf8)
  }
}
