import Foundation

/// The memory that this process takes, in bytes; NaN where the system does not tell.
public enum ProcessSize {
  public static var now: Double { bytes("VmRSS:") }

  /// Since the process began, or since ``forget()``.
  public static var largest: Double { bytes("VmHWM:") }

  /// Lets the largest size begin anew from the present one; whether the system does so.
  static func forget() -> Bool {
    guard let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs") else { return false }
    return (try? file.write(contentsOf: Data("5".utf8))) != nil
  }

  private static func bytes(_ field: String) -> Double {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix(field) }
    let kilobytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) }
    return (kilobytes ?? .nan) * 1024
  }
}
