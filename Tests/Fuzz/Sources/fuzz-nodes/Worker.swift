import Glibc

/// What a worker process tells the one that started it, in memory that both map.
struct Progress {
  /// The number of the trial in progress, and how many ran to the end or were refused.
  let cells: UnsafeMutablePointer<Int>
  var current: Int { get { cells[0] } nonmutating set { cells[0] = newValue } }
  var ran: Int { get { cells[1] } nonmutating set { cells[1] = newValue } }
  var refused: Int { get { cells[2] } nonmutating set { cells[2] = newValue } }

  init(path: String) throws {
    let descriptor = open(path, O_RDWR | O_CREAT, 0o600)
    guard descriptor >= 0, ftruncate(descriptor, 4096) == 0 else { throw SeedError(description: "cannot open \(path)") }
    defer { close(descriptor) }
    guard let memory = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), memory != MAP_FAILED else {
      throw SeedError(description: "cannot map \(path)")
    }
    cells = memory.bindMemory(to: Int.self, capacity: 512)
  }
}

/// Runs trials in processes of their own, and goes on behind one that ended its process.
struct Supervisor {
  let seedsPath: String
  /// Seconds that one trial may take before it counts as a death.
  static let patience = 20.0

  struct Death {
    let number: Int
    let reason: String
  }

  /// Runs the trials `first..<last` on `workers` processes, or until `seconds` are over.
  /// - Returns: the trials that ended their process, and how many ran and were refused.
  func run(first: Int, last: Int, workers: Int, seconds: Double, report: (Death) -> Void) throws -> (deaths: [Death], ran: Int, refused: Int) {
    struct Slot {
      var process: pid_t
      var next: Int
      let last: Int
      let progress: Progress
      var seen = -1
      var since: Double
    }
    let start = Self.now()
    var deaths: [Death] = []
    var slots: [Slot?] = []
    let folder = "/tmp/fuzz-nodes-\(getpid())-"
    let share = (last - first + workers - 1) / workers
    for worker in 0..<workers {
      let low = first + worker * share, high = min(low + share, last)
      guard low < high else { continue }
      let progress = try Progress(path: folder + "\(worker)")
      slots.append(Slot(process: try spawn(low, high, folder + "\(worker)"), next: low, last: high, progress: progress, since: Self.now()))
    }
    let progresses = slots.compactMap { $0?.progress }
    while slots.contains(where: { $0 != nil }) {
      usleep(20_000)
      let isOver = Self.now() - start > seconds
      for index in slots.indices {
        guard var slot = slots[index] else { continue }
        var status: Int32 = 0
        let current = slot.progress.current
        if waitpid(slot.process, &status, WNOHANG) == 0 {
          if isOver {
            kill(slot.process, SIGKILL)
            waitpid(slot.process, &status, 0)
            slots[index] = nil
            continue
          }
          if current != slot.seen {
            slot.seen = current
            slot.since = Self.now()
          } else if Self.now() - slot.since > Self.patience {
            kill(slot.process, SIGKILL)
            waitpid(slot.process, &status, 0)
            status = -1
          }
          guard status == -1 else {
            slots[index] = slot
            continue
          }
        }
        if status == 0 {
          slots[index] = nil
          continue
        }
        let death = Death(number: current, reason: status == -1 ? "took longer than \(Int(Self.patience)) s" : status & 0x7f == 0 ? "exit \(status >> 8)" : "signal \(status & 0x7f)")
        deaths.append(death)
        report(death)
        slot.next = current + 1
        slot.since = Self.now()
        if slot.next < slot.last {
          slot.process = try spawn(slot.next, slot.last, folder + "\(index)")
          slots[index] = slot
        } else {
          slots[index] = nil
        }
      }
    }
    for worker in 0..<workers { unlink(folder + "\(worker)") }
    return (deaths, progresses.reduce(0) { $0 + $1.ran }, progresses.reduce(0) { $0 + $1.refused })
  }

  private static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  private func spawn(_ first: Int, _ last: Int, _ progress: String) throws -> pid_t {
    let arguments = ["/proc/self/exe", seedsPath, "--worker", "\(first)", "\(last)", progress]
    var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    setenv("SWIFT_BACKTRACE", "enable=no", 1)
    var process: pid_t = 0
    let result = posix_spawn(&process, "/proc/self/exe", &actions, nil, &pointers, environ)
    guard result == 0 else { throw SeedError(description: "cannot start a worker: error \(result)") }
    return process
  }
}
