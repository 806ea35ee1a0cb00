import Foundation
import Networks
import Plotting
import Pullbacks
import Subjects

/// The requirements of the experiments, and whether this computer meets them: `pullbacks doctor` prints it.
public struct Examination: Sendable {
  /// One thing that was looked at.
  public struct Finding: Sendable {
    public let name: String
    public let text: String
    /// The problem with advice; nil if there is none.
    public let trouble: PullbackError?
    /// Whether experiments and commands without options do without it.
    public let isOptional: Bool

    init(_ name: String, _ text: String, trouble: PullbackError? = nil, isOptional: Bool = false) {
      (self.name, self.text, self.trouble, self.isOptional) = (name, text, trouble, isOptional)
    }

    /// `text` where `check` finds nothing wrong.
    init(_ name: String, _ text: String, isOptional: Bool = false, check: () throws -> Void) {
      do {
        try check()
        self.init(name, text, isOptional: isOptional)
      } catch {
        let trouble = (error as? PullbackError)?.onCommandLine ?? PullbackError(.software, name, "\(error)")
        self.init(name, trouble.problem, trouble: trouble, isOptional: isOptional)
      }
    }
  }

  public struct Section: Sendable {
    public let title: String
    public let findings: [Finding]
  }

  public let sections: [Section]

  /// The problems that keep experiments and commands from working without options.
  public var troubles: [PullbackError] {
    sections.flatMap(\.findings).filter { !$0.isOptional }.compactMap(\.trouble)
  }

  /// Looks at everything: a second or two, for the checksums of what was fetched.
  public init() {
    sections = [
      Section(title: "Software", findings: Self.software), Section(title: "Machine", findings: Self.machine),
      Section(title: "Environment", findings: Self.environment),
      Section(title: "Networks and images", findings: Self.tiers),
    ]
  }

  private static var software: [Finding] {
    let swift = output(of: ["swift", "--version"])?.split(separator: "\n").first.map(String.init)
    return [
      Finding("pullbacks", packageVersion + (Provenance.commit().map { ", commit \($0)" } ?? "")),
      Finding("Swift", swift ?? "not on the path", isOptional: true),
    ] + LibraryVersions.all.sorted { $0.key < $1.key }.map { Finding($0.key, $0.value) } + [
      Finding("font", Fonts.family, check: Fonts.verify)
    ]
  }

  private static var machine: [Finding] {
    [
      Finding("processor", Machine.processor),
      Finding("instructions", Machine.features.joined(separator: ", ")),
      Finding(
        "threads", "\(Machine.threads) for images and blocks, one within OpenBLAS: results do not depend on them"),
      Finding("memory", "\(Machine.memory >> 20) MB; activations take at most --max-memory, 512M by default"),
    ]
  }

  private static var environment: [Finding] {
    let values = ProcessInfo.processInfo.environment
    let kernels = "the processor's own; numbers agree to the byte only between runs with the same kernels"
    let chosen = values["OPENBLAS_CORETYPE"]
    return [
      Finding("OPENBLAS_CORETYPE", chosen.map { "\($0), instead of \(kernels)" } ?? "not set: \(kernels)"),
      Finding("PULLBACKS_CACHE", values["PULLBACKS_CACHE"] ?? "not set: fetched files are in \(FetchedFiles.folder)"),
    ]
  }

  private static var tiers: [Finding] {
    SceneNetwork.allCases.map { model in
      Finding(model.rawValue, "comes with the package") { _ = try model.network() }
    } + [
      Finding("imagenet", "\(ImageNetTier.architecture) and its photographs are whole", check: ImageNetTier.check),
      Finding(
        "paper", "the weights are there; images of yours are needed too, see --images", isOptional: true,
        check: PaperTier.check),
    ]
  }
}
