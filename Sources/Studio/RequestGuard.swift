/// Tells requests of the studio's own page from those of others.
///
/// The server listens on the loopback interface alone. That does not keep out a web page from elsewhere which the same
/// browser shows: by a name that resolves to 127.0.0.1 (DNS rebinding), which `Host` betrays, or by a request across
/// origins, which `Origin` and `Sec-Fetch-Site` betray.
struct RequestGuard: Sendable {
  let port: UInt16

  private var hosts: [String] { ["127.0.0.1:\(port)", "localhost:\(port)"] }

  /// The reason why a request is refused; nil if it is not.
  ///
  /// - Parameter header: the value of a header, by its name.
  func refusal(_ header: (String) -> String?) -> String? {
    guard let host = header("Host"), hosts.contains(host.lowercased()) else {
      return "Host: expected \(hosts[0])"
    }
    if let origin = header("Origin"), origin.lowercased() != "http://\(host.lowercased())" {
      return "Origin: expected http://\(hosts[0])"
    }
    if let site = header("Sec-Fetch-Site"), !["same-origin", "none"].contains(site) {
      return "Sec-Fetch-Site: expected a request of the studio's own page"
    }
    return nil
  }
}
