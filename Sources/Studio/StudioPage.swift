import Digests
import Foundation

/// The page: one file with everything in it. Its policy lets it run its own script and style and ask the server alone.
struct StudioPage: Sendable {
  let bytes: [UInt8]
  let policy: String

  init() throws {
    bytes = PackageResources.studio_html
    let text = String(decoding: bytes, as: UTF8.self)
    let script = try Self.digest(of: "script", in: text)
    let style = try Self.digest(of: "style", in: text)
    policy =
      "default-src 'none'; script-src 'sha256-\(script)'; style-src 'sha256-\(style)'; img-src 'self' data: blob:; "
      + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
  }

  private static func digest(of element: String, in page: String) throws -> String {
    let start = page.range(of: "<\(element)>")!.upperBound
    let end = page.range(of: "</\(element)>", options: .backwards)!.lowerBound
    return try Array(page[start..<end].utf8).withUnsafeBytes { try sha256Base64($0) }
  }
}
