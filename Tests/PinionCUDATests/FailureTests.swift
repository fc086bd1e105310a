import PinionBase
import Testing

@testable import PinionCUDA

extension WithFakeDriver {
  /// Every call of the driver and the compiler failing once, in each place of a run that uses all of them.
  @Suite struct Failures {
    let fake = FakeDriver.shared

    /// What is given back has no one to tell; it fails in silence, and so may leave something behind.
    private static let disposals: Set = [
      "cuCtxPopCurrent_v2", "cuDevicePrimaryCtxRelease_v2", "cuMemFree_v2", "cuMemFreeHost", "cuStreamDestroy_v2", "cuEventDestroy_v2", "cuGraphDestroy",
      "cuGraphExecDestroy", "cuModuleUnload",
    ]
    /// Asked for while another error is described, and only then.
    private static let descriptions: Set = ["cuGetErrorName", "cuGetErrorString"]
    private static let compiling = ["nvrtcCreateProgram", "nvrtcCompileProgram", "nvrtcGetCUBINSize", "nvrtcGetCUBIN"]

    /// - Returns: how many calls had their context made current before the first disposal.
    @discardableResult private func everything() throws(PinionError) -> Int {
      let platform = CUDAPlatform(fake.search())
      let context = try DeviceContext(0, of: platform)
      _ = try context.memory()
      let stream = try DeviceStream(context), other = try DeviceStream(context)
      var layout = SlabLayout()
      try layout.add(bytes: 64)
      let slab = try DeviceSlab(context, layout)
      let loader = KernelLoader(context, platform: platform, cache: ImageCache(folder: nil))
      let kernel = try loader.module(Devices.doubling).kernel("doubling")
      try kernel.reserve(sharedBytes: 64 << 10)
      let shape = try LaunchShape(x: 1, threads: 64)
      _ = try kernel.registers()
      _ = try kernel.blocksPerMultiprocessor(shape)
      let ring = try StagingRing(context, partBytes: 32)
      var failure: PinionError?
      var bytes = [UInt8](repeating: 1, count: 64)
      bytes.withUnsafeMutableBytes { buffer in
        do throws(PinionError) {
          try ring.upload(UnsafeRawBufferPointer(buffer), to: slab.address(0), in: stream)
          try ring.download(slab.address(0), to: buffer, in: stream)
        } catch { failure = error }
      }
      if let failure { throw failure }
      let start = try DeviceEvent(context, isTimed: true), end = try DeviceEvent(context, isTimed: true)
      try start.record(in: stream)
      func record() throws(PinionError) -> DeviceGraph {
        try DeviceGraph(capturing: stream) { () throws(PinionError) in
          try stream.fill(slab.address(0), bytes: 64, with: 0)
          try kernel.launch(shape, Devices.arguments(slab.memory, 1), in: stream)
          try stream.copy(from: slab.address(0), bytes: 8, to: slab.address(0).offset(by: 8))
        }
      }
      let executable = try ExecutableGraph(try record())
      try executable.upload(in: stream)
      guard try executable.update(to: try record()) else { throw .internal("not updated") }
      try executable.launch(in: stream)
      try end.record(in: stream)
      try other.wait(for: end)
      while try !stream.isIdle() {}
      while try !end.isDone() {}
      try other.synchronize()
      _ = try end.milliseconds(since: start)
      try context.synchronize()
      let pushes = fake.calls("cuCtxPushCurrent_v2")
      withExtendedLifetime((loader, ring, slab, stream, other, executable, start, end)) {}
      return pushes
    }

    @Test func nothingIsLeftBehindAndNothingIsSwallowed() throws {
      try #require(fake.isThere)
      fake.reset()
      let pushes = try everything()
      #expect(fake.live == 0 && fake.depth == 0)
      let names = fake.functionNames
      #expect(names.count > 40)
      let counts = (names + Failures.compiling).map { ($0, fake.calls($0)) }
      for (name, count) in counts where count == 0 {
        #expect(Failures.descriptions.contains(name), "\(name) is never called")
      }
      for (name, count) in counts where !Failures.disposals.contains(name) && !Failures.descriptions.contains(name) {
        let last = name == "cuCtxPushCurrent_v2" ? pushes : count
        for nth in 1...max(last, 1) {
          for status: Int32 in [1, 2, 801] {
            // Enough of the calls that come often.
            if last > 60, nth > 40, nth < last - 10 { continue }
            fake.reset()
            fake.fail(name, nth: nth, status: status)
            do throws(PinionError) {
              try everything()
              // Disposals in the middle of the run make the context current too; what they would have given back is left.
              if name == "cuCtxPushCurrent_v2" {
                #expect(fake.live == 1)
                continue
              }
              Issue.record("\(name) failed as call \(nth) with \(status), and no one noticed")
            } catch {
              #expect(!error.message.isEmpty)
              if status == 2, !name.hasPrefix("nvrtc"), !error.message.contains("no NVIDIA"), error.code != .unsupported {
                #expect(error.code == .outOfMemory, "\(name) \(nth): \(error)")
              }
            }
            #expect(fake.depth == 0, "\(name) \(nth)")
            #expect(fake.live == 0, "\(name) \(nth) with \(status) left \(fake.live)")
          }
        }
      }
    }

    /// A failing disposal is no error of the run that it ends.
    @Test func disposalsFailInSilence() throws {
      try #require(fake.isThere)
      for name in Failures.disposals.sorted() {
        fake.reset()
        fake.fail(name, nth: 1, status: 1)
        try everything()
        #expect(fake.calls(name) > 0 && fake.depth == 0)
      }
    }

    /// Faults of a kernel or the hardware, wherever they show.
    @Test(arguments: ["cuMemAlloc_v2", "cuLaunchKernel", "cuStreamQuery", "cuGraphLaunch", "cuEventSynchronize"])
    func aLostDevice(_ name: String) throws {
      try #require(fake.isThere)
      for status: Int32 in [700, 719, 214] {
        fake.reset()
        fake.fail(name, nth: 1, status: status)
        do throws(PinionError) {
          try everything()
          Issue.record("\(name): no fault")
        } catch {
          #expect(error.message.contains("the device's context is lost"))
          #expect(error.code == (status == 214 ? .io : .internal))
        }
      }
    }
  }
}
