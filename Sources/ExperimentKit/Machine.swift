import Foundation

/// The computer, as far as numbers and times depend on it.
enum Machine {
  /// The processor's name.
  static var processor: String { value("model name") ?? "unknown" }

  /// The vector instructions it has, of those that the kernels tell apart.
  static var features: [String] {
    let flags = Set((value("flags") ?? value("Features") ?? "").split(separator: " ").map(String.init))
    return ["sse4_2", "avx", "avx2", "fma", "avx512f", "avx512vl", "amx_tile", "asimd", "sve"].filter(flags.contains)
  }

  static var threads: Int { ProcessInfo.processInfo.activeProcessorCount }
  static var memory: UInt64 { ProcessInfo.processInfo.physicalMemory }

  private static func value(_ key: String) -> String? {
    let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
    let line = lines.first { $0.split(separator: ":").first?.trimmingCharacters(in: .whitespaces) == key }
    return line?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces)
  }
}
