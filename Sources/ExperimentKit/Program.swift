import ArgumentParser
import Foundation

/// The command line of an executable that has no subcommands, under the executable's own name.
struct Program<Options: ParsableArguments>: ParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(commandName: URL(fileURLWithPath: CommandLine.arguments[0]).lastPathComponent)
  }

  @OptionGroup var options: Options

  /// The options of the command line; a mistake in them, and `--help`, ends the program.
  static func parsedOptions() -> Options { parseOrExit().options }
}
