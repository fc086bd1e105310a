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
        3   the run failed, or an input cannot be read or does not fit
        64  the command line is wrong
      """,
    version: "run-model 0.1.0",
    subcommands: [
      RunCommand.self, BenchCommand.self, InspectCommand.self, PlanCommand.self, CheckCommand.self, ProfileCommand.self,
      OperatorsCommand.self, DevicesCommand.self,
    ])

  static func main() {
    do {
      var command = try parseAsRoot()
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

  /// What was printed may have gone nowhere: a full disk shows here.
  private static func flushOutput() throws(Failure) {
    guard fflush(stdout) == 0, ferror(stdout) == 0 else { throw Failure(.run, "cannot write to standard output") }
  }
}
