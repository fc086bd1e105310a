import ArgumentParser
@preconcurrency import Glibc

@main struct RunModel: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run-model",
    abstract: "Runs, measures, checks and looks into ONNX models.",
    discussion: """
      Begin with 'inspect', which says what a model takes and gives, and 'run' with inputs from files or random ones:

        run-model inspect model.onnx
        run-model run model.onnx --input x=data.npy
        run-model bench model.onnx --dim batch=8

      Exit status:
        0   done
        1   'check' found a difference beyond the tolerances
        2   the model cannot be loaded, or asks for something that is not supported
        3   the run failed, or a file other than the model cannot be read or written, or does not fit the model
        64  what the command line says is wrong, by itself or for this model
      """,
    version: "run-model 0.1.0",
    subcommands: [
      RunCommand.self, BenchCommand.self, InspectCommand.self, PlanCommand.self, CheckCommand.self, ProfileCommand.self,
      GenerateCommand.self, ConvertCommand.self,
      OperatorsCommand.self, DevicesCommand.self,
    ])

  static func main() {
    do {
      try checkCommand(CommandLine.arguments.dropFirst().first)
      var command = try parseAsRoot(joinedNumbers(Array(CommandLine.arguments.dropFirst())))
      try command.run()
      try flushOutput()
    } catch let failure as Failure {
      fflush(stdout)
      printError(failure)
      Glibc.exit(failure.status.rawValue)
    } catch let code as ExitCode {
      fflush(stdout)
      Glibc.exit(code.rawValue)
    } catch where exitCode(for: error) == .validationFailure {
      printError(Failure(.usage, message(for: error)))
      Glibc.exit(Failure.Status.usage.rawValue)
    } catch {
      exit(withError: error)
    }
  }

  /// The arguments with negative numbers behind options as parts of these, as in `--threads=-1`: they are no options, which also begin
  /// with a hyphen. No option is called by a number.
  private static func joinedNumbers(_ arguments: [String]) -> [String] {
    var result: [String] = []
    for (index, argument) in arguments.enumerated() {
      if argument == "--" { return result + arguments[index...] }
      let number = argument.prefix { $0 != "," && $0 != "x" && $0 != ":" }
      if number.hasPrefix("-"), Double(number) != nil, let option = result.last, option.hasPrefix("-"), option != "-", !option.contains("=") {
        result[result.count - 1] = option + "=" + argument
      } else {
        result.append(argument)
      }
    }
    return result
  }

  /// Says what may have been meant where the first word is no command.
  private static func checkCommand(_ word: String?) throws(Failure) {
    let commands = configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
    guard let word, !word.hasPrefix("-"), !commands.contains(word) else { return }
    if word.hasSuffix(".onnx") || word.hasSuffix(".pt2") {
      throw Failure(.usage, "a command stands before the model, as in 'run-model inspect \(word)'; 'run-model help' lists all")
    }
    let suggestion = nearest(to: word, among: commands).map { ", did you mean '\($0)'?" } ?? "."
    throw Failure(.usage, "there is no command '\(word)'\(suggestion) 'run-model help' lists all")
  }

  /// What was printed may have gone nowhere: a full disk shows here.
  private static func flushOutput() throws(Failure) {
    guard fflush(stdout) == 0, ferror(stdout) == 0 else { throw Failure(.run, "cannot write to standard output") }
  }
}
