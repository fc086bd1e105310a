import Glibc
import PinionBase
import Testing

@testable import PinionCUDA

extension WithFakeDriver {
  @Suite struct Devices {
    let fake = FakeDriver.shared

    static let doubling = KernelProgram(
      name: "doubling.cu",
      text: """
        #include "prims.cuh"
        KERNEL(64) doubling(float *x, int count, float shift) {
          const int i = blockIdx.x * blockDim.x + threadIdx.x;
          if (i < count) x[i] = x[i] * 2 + shift;
        }
        """)

    @Test func bytesGoThereAndBack() throws {
      let context = try DeviceContext(0, of: fake.platform())
      do {
        let stream = try DeviceStream(context)
        let memory = try DeviceMemory(context, bytes: 400)
        let values = (0..<100).map(Float.init)
        try stream.write(values, to: memory.address)
        #expect(try stream.read(memory.address, 100, as: Float(0)) == values)
        try stream.fill(memory.address.offset(by: 4), bytes: 4, with: 0)
        let other = try DeviceMemory(context, bytes: 400)
        try stream.copy(from: memory.address, bytes: 400, to: other.address)
        #expect(try stream.read(other.address, 3, as: Float(9)) == [0, 0, 2])
        #expect(try context.memory().total - context.memory().free == 800)
        try context.synchronize()
      }
      #expect(fake.depth == 0)
      #expect(fake.live == 1)
    }

    @Test func tooMuchMemoryIsToldWithWhatIsFree() throws {
      let context = try DeviceContext(0, of: fake.platform())
      let held = try DeviceMemory(context, bytes: 1 << 20)
      do {
        _ = try DeviceMemory(context, bytes: 1 << 30)
        Issue.record("allocated")
      } catch {
        #expect(error.code == .outOfMemory)
        #expect(error.message == "cannot allocate 1073741824 bytes on cuda:0 (Fake GPU 0): 267386880 of 268435456 bytes are free")
      }
      #expect(held.byteCount == 1 << 20)
      #expect(throws: PinionError.self) { try DeviceMemory(context, bytes: -1) }
    }

    @Test func blocksOfASlab() throws {
      let context = try DeviceContext(0, of: fake.platform())
      var layout = SlabLayout()
      for bytes in [1, 0, 257, 256] { try layout.add(bytes: bytes) }
      #expect(layout.offsets == [0, 256, 256, 768] && layout.byteCount == 1024)
      let slab = try DeviceSlab(context, layout)
      #expect(slab.address(3).bits - slab.memory.address.bits == 768 && slab.address(0).bits % 256 == 0)
      #expect(throws: PinionError.self) { try layout.add(bytes: Int.max) }
      #expect(throws: PinionError.self) { try layout.add(bytes: -1) }
    }

    /// Pinned memory is read when the copy takes place: a part must not be filled again before.
    @Test(arguments: [1, 2, 3]) func stagingInParts(_ parts: Int) throws {
      let context = try DeviceContext(0, of: fake.platform())
      let stream = try DeviceStream(context)
      let ring = try StagingRing(context, partBytes: 64, parts: parts)
      for count in [0, 1, 63, 64, 65, 128, 1000] {
        let memory = try DeviceMemory(context, bytes: count)
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7 + parts) }
        var result = [UInt8](repeating: 0, count: count)
        var failure: PinionError?
        bytes.withUnsafeBytes { source in
          result.withUnsafeMutableBytes { target in
            do throws(PinionError) {
              try ring.upload(source, to: memory.address, in: stream)
              try ring.download(memory.address, to: target, in: stream)
            } catch { failure = error }
          }
        }
        #expect(failure == nil && result == bytes)
      }
    }

    @Test func eventsOrderStreams() throws {
      let context = try DeviceContext(0, of: fake.platform())
      let first = try DeviceStream(context), second = try DeviceStream(context)
      let memory = try DeviceMemory(context, bytes: 4)
      let written = try DeviceEvent(context, isTimed: true), read = try DeviceEvent(context, isTimed: true)
      try first.fill(memory.address, bytes: 4, with: 3)
      try written.record(in: first)
      try second.wait(for: written)
      #expect(try second.read(memory.address, 4, as: UInt8(0)) == [3, 3, 3, 3])
      try read.record(in: second)
      #expect(try read.isDone() == true)
      try read.synchronize()
      #expect(try read.milliseconds(since: written) >= 0)
      #expect(try first.isIdle())
      try first.fill(memory.address, bytes: 4, with: 3)
      try first.fill(memory.address, bytes: 4, with: 3)
      #expect(try !first.isIdle())
      #expect(try first.isIdle())
    }

    @Test func aKernelIsCompiledAndLaunched() throws {
      let platform = try fake.platform()
      let context = try DeviceContext(0, of: platform)
      let loader = KernelLoader(context, platform: platform, cache: ImageCache(folder: nil))
      let stream = try DeviceStream(context)
      let memory = try DeviceMemory(context, bytes: 400)
      try stream.write((0..<100).map(Float.init), to: memory.address)
      let kernel = try loader.module(Devices.doubling).kernel("doubling")
      try kernel.launch(try LaunchShape(x: 2, threads: 64), Devices.arguments(memory, 1), in: stream)
      #expect(try stream.read(memory.address, 100, as: Float(0)) == (0..<100).map { Float($0) * 2 + 1 })
      #expect(try kernel.registers() == 32)
      #expect(try kernel.blocksPerMultiprocessor(LaunchShape(x: 1, threads: 64)) == 32)
      #expect(throws: PinionError.self) { try loader.module(Devices.doubling).kernel("tripling") }
      #expect(throws: PinionError.self) { try kernel.reserve(sharedBytes: 1 << 20) }
      try kernel.reserve(sharedBytes: 100 << 10)
      #expect(throws: PinionError.self) { try LaunchShape(x: 0, threads: 64) }
      #expect(throws: PinionError.self) { try LaunchShape(x: 1, y: 65_536, threads: 64) }
      #expect(throws: PinionError.self) { try LaunchShape(x: 1, threads: 1025) }
    }

    static func arguments(_ memory: DeviceMemory, _ shift: Float) -> LaunchArguments {
      var arguments = LaunchArguments()
      arguments.add(memory.address)
      arguments.add(Int32(memory.byteCount / 4))
      arguments.add(shift)
      return arguments
    }

    @Test func textThatDoesNotCompileIsQuoted() throws {
      let platform = try fake.platform()
      let loader = KernelLoader(try DeviceContext(0, of: platform), platform: platform, cache: ImageCache(folder: nil))
      do {
        _ = try loader.module(KernelProgram(name: "wrong.cu", text: "KERNEL(32) wrong() { undeclared = 1; }"))
        Issue.record("compiled")
      } catch {
        #expect(error.code == .internal)
        #expect(error.message.contains("wrong.cu") && error.message.contains("sm_90") && error.message.contains("undeclared"))
      }
    }

    @Test func aGraphIsRecordedUpdatedAndLaunched() throws {
      let platform = try fake.platform()
      let context = try DeviceContext(0, of: platform)
      let kernel = try KernelLoader(context, platform: platform, cache: ImageCache(folder: nil)).module(Devices.doubling).kernel("doubling")
      let shape = try LaunchShape(x: 1, threads: 64)
      do {
        let stream = try DeviceStream(context), side = try DeviceStream(context)
        let memory = try DeviceMemory(context, bytes: 16), other = try DeviceMemory(context, bytes: 16)
        let fork = try DeviceEvent(context), join = try DeviceEvent(context)
        func record(_ shift: Float) throws(PinionError) -> DeviceGraph {
          try DeviceGraph(capturing: stream) { () throws(PinionError) in
            try stream.fill(memory.address, bytes: 16, with: 0)
            try fork.record(in: stream)
            try side.wait(for: fork)
            try side.fill(other.address, bytes: 16, with: 0)
            try join.record(in: side)
            try kernel.launch(shape, Devices.arguments(memory, shift), in: stream)
            try stream.wait(for: join)
            try kernel.launch(shape, Devices.arguments(memory, shift), in: stream)
            try stream.copy(from: memory.address, bytes: 8, to: other.address)
          }
        }
        let executable = try ExecutableGraph(try record(1))
        try executable.upload(in: stream)
        // The order of what no edge orders is left to chance.
        for order in 1...8 {
          fake.set("order", order)
          try executable.launch(in: stream)
          #expect(try stream.read(other.address, 4, as: Float(9)) == [3, 3, 0, 0])
        }
        #expect(try executable.update(to: try record(2)))
        try executable.launch(in: stream)
        #expect(try stream.read(other.address, 4, as: Float(9)) == [6, 6, 0, 0])
        let shorter = try DeviceGraph(capturing: stream) { () throws(PinionError) in try stream.fill(memory.address, bytes: 4, with: 0) }
        #expect(try !executable.update(to: shorter))
        try executable.launch(in: stream)
        #expect(try stream.read(other.address, 4, as: Float(9)) == [6, 6, 0, 0])

        // A recording that fails, by its own doing or the driver's, leaves the stream usable.
        do {
          _ = try DeviceGraph(capturing: stream) { () throws(PinionError) in throw .invalidArgument("no") }
          Issue.record("recorded")
        } catch { #expect(error.message == "no") }
        #expect(throws: PinionError.self) {
          _ = try DeviceGraph(capturing: stream) { () throws(PinionError) in _ = try DeviceMemory(context, bytes: 8) }
        }
        #expect(try stream.read(other.address, 1, as: Float(9)) == [6])
      }
    }

    @Test func aLostDeviceEndsInItsFirstFault() throws {
      let platform = try fake.platform()
      var context: DeviceContext? = try DeviceContext(0, of: platform)
      do {
        let held = try #require(context)
        let stream = try DeviceStream(held)
        fake.fail("cuStreamSynchronize", nth: 1, status: 700)
        for _ in 0..<2 {
          do {
            try stream.synchronize()
            Issue.record("no fault")
          } catch {
            #expect(error.code == .internal)
            #expect(
              error.message == "cuStreamSynchronize: an illegal memory access was encountered (CUDA_ERROR_ILLEGAL_ADDRESS, 700); the device's "
                + "context is lost for this process")
          }
        }
        #expect(held.isLost)
        let calls = fake.calls("cuMemAlloc_v2")
        #expect(throws: PinionError.self) { try DeviceMemory(held, bytes: 8) }
        #expect(fake.calls("cuMemAlloc_v2") == calls)
      }
      context = nil
      #expect(context == nil && fake.depth == 0)
      _ = fake.live
    }
  }
}
