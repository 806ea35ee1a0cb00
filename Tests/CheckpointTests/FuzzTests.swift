import Checkpoints
import Foundation
import Pullbacks
import Testing

/// Random damage to good files of each format. A crash leaves its input in the probe's file.
///
/// Some seconds' worth in an ordinary run; for longer, set `PULLBACKS_FUZZ_SECONDS` (per format). With
/// `PULLBACKS_FUZZ_KEEP=<folder>` the smallest input of each kind of outcome is written to that folder; a selection of
/// those is the corpus.
@Suite struct FuzzTests {
  enum Format: String, CaseIterable {
    case safetensors, zip, legacy
  }

  private func seeds(_ format: Format) throws -> [[UInt8]] {
    func fixtures(_ names: String...) throws -> [[UInt8]] { try names.map(Fixtures.bytes) }
    let parameters =
      Pickle.emptyDict + Pickle.put(0) + Pickle.text("w") + Pickle.tensor(shape: [2, 3], strides: [3, 1])
      + Pickle.setItem + Pickle.text("model") + Pickle.get(0) + Pickle.setItem + Pickle.text("v")
      + Pickle.tensor(offset: 1, shape: [2, 2], strides: [1, 3]) + Pickle.setItem
    let pickle = Pickle.whole(parameters)
    switch format {
    case .safetensors:
      return try fixtures("types.safetensors", "written-float32.safetensors", "written-float16.safetensors")
    case .zip:
      // The hand-made archive has no padding: every mutation hits something that is read.
      return [[UInt8]](repeating: zipCheckpoint(pickle), count: 3)
        + (try fixtures("network.pt", "protocol-4.pt", "parameters.pt", "views.pt", "zip64.pt", "training.pt"))
    case .legacy:
      return [legacyCheckpoint(pickle)]
        + (try fixtures(
          "types.pth", "views.pth", "training.pth", "parameters.pth", "python-2.pth", "storage-views.pth"))
    }
  }

  @Test(arguments: Format.allCases)
  func randomDamageIsReadOrRefused(_ format: Format) throws {
    let environment = ProcessInfo.processInfo.environment
    let seconds = environment["PULLBACKS_FUZZ_SECONDS"].flatMap(Double.init)
    let seed = seconds == nil ? 1 : UInt64.random(in: .min ... .max)
    var mutator = Mutator(seed: seed, seeds: try seeds(format))
    let probe = try Probe()
    var kinds: [String: [UInt8]] = [:]
    var count = 0
    var refused = 0
    let start = ContinuousClock.now
    while seconds.map({ ContinuousClock.now - start < .seconds($0) }) ?? (count < 2500) {
      let bytes = mutator.mutant()
      let outcome = try probe.read(bytes)
      count += 1
      if outcome.isRefusal { refused += 1 }
      let kind = outcome.kind
      if kinds[kind].map({ bytes.count < $0.count }) ?? true { kinds[kind] = bytes }
    }
    #expect(refused > count / 2 && refused < count, "\(refused) of \(count) mutants of \(format.rawValue) were refused")
    #expect(kinds.count > 12, "few kinds of outcome: \(kinds.keys.sorted())")
    // What the sanitizers keep is not ours. In an ordinary run other suites use memory of this process at the same
    // time.
    if let peak = peakMemory(), environment["ASAN_OPTIONS"] == nil {
      #expect(peak < (seconds == nil ? 4 : 1) << 30, "\(peak) bytes of memory were used at the peak")
    }
    if let seconds {
      let memory = (peakMemory() ?? 0) >> 20
      print("\(format): \(count) inputs in \(seconds) s, \(refused) refused, \(kinds.count) kinds, \(memory) MB peak")
    }
    if let folder = environment["PULLBACKS_FUZZ_KEEP"] {
      for (number, kind) in kinds.keys.sorted().enumerated() {
        let name = "\(kind == Probe.Outcome.read.kind ? "read" : "refused")-\(format.rawValue)-\(number)"
        try Data(kinds[kind] ?? []).write(to: URL(fileURLWithPath: folder).appendingPathComponent(name))
        print(name, kind)
      }
    }
  }

  static let corpus = ((try? FileManager.default.contentsOfDirectory(atPath: Fixtures.path("corpus"))) ?? []).sorted()

  /// Inputs from long runs, one for each kind of outcome; the name says which.
  @Test(arguments: corpus)
  func theCorpusIsStillJudgedTheSame(_ name: String) throws {
    let outcome = try Probe().read(try Fixtures.bytes("corpus/\(name)"))
    #expect(outcome.isRefusal == name.hasPrefix("refused-"), "\(outcome.kind)")
  }

  @Test func thereIsACorpus() { #expect(Self.corpus.count > 50) }

  /// The largest resident memory of this process so far, in bytes; nil where the system does not tell.
  private func peakMemory() -> Int? {
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
    else { return nil }
    return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 << 10 }
  }
}

extension Probe.Outcome {
  /// The error without its numbers and names.
  var kind: String {
    switch self {
    case .read: "read"
    case .refused(let error):
      error.problem.replacing(/"(\\.|[^"\\])*"/, with: "name").replacing(/\[[^\]]*\]/, with: "list")
        .replacing(/0x[0-9a-f]+|-?[0-9]+/, with: "n").replacing(/name, (name, )+/, with: "name, ")
    }
  }
}
