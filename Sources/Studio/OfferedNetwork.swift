import Foundation
import Subjects

/// A network that the studio's page can choose.
public struct OfferedNetwork: Sendable {
  /// The kind of pictures that it knows.
  public enum Family: String, Sendable, Encodable {
    case scenes, photographs
    /// A network of the user's: whatever it was trained on.
    case own
  }

  let id: String
  let title: String
  let family: Family
  /// The options that name it on the command line.
  let options: [String]
  let load: @Sendable () throws -> Subject

  /// A network of the user's, which is loaded already.
  ///
  /// - Parameters:
  ///   - subject: the network.
  ///   - options: the options that name it on the command line.
  public init(own subject: Subject, options: [String]) {
    (id, title, family, self.options) = ("own", subject.title, .own, options)
    load = { subject }
  }

  private init(_ model: String, _ tier: Tier, _ family: Family) {
    (id, title, self.family, options) = (model, Tier.title(of: model), family, ["--model", model])
    load = { try tier.subject(model, showing: .none) }
  }

  /// The networks that come with the package, and those that were fetched.
  static var known: [OfferedNetwork] {
    Tier.scenes.models.map { OfferedNetwork($0, .scenes, .scenes) }
      + ImageNetTier.Model.allCases.filter { FileManager.default.fileExists(atPath: $0.checkpointPath) }
      .map { OfferedNetwork($0.rawValue, .imagenet, .photographs) }
  }
}
