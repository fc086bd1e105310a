import PinionBase
import Testing

@testable import PinionCUDA

extension WithFakeDriver {
  @Suite struct Platform {
    let fake = FakeDriver.shared

    @Test func devicesAreListed() throws {
      try #require(fake.isThere)
      fake.reset()
      fake.set("devices", 2)
      let platform = CUDAPlatform(fake.search())
      #expect(platform.absence == nil)
      #expect(platform.devices.map(\.name) == ["Fake GPU 0", "Fake GPU 1"])
      #expect(platform.devices[1].description == "Fake GPU 1, compute capability 9.0, 4 multiprocessors, 0.2 GiB")
      #expect(platform.whyNot(1) == nil)
      let reason = try #require(platform.whyNot(2))
      #expect(reason.code == .notFound && reason.message == "no device 'cuda:2'; the NVIDIA driver has cuda:0 to cuda:1")
    }

    @Test func noDevice() throws {
      try #require(fake.isThere)
      fake.reset()
      fake.set("devices", 0)
      #expect(CUDAPlatform(fake.search()).absence?.message == "the NVIDIA driver finds no GPU")
      fake.reset()
      fake.fail("cuInit", nth: 1, status: 100)
      #expect(CUDAPlatform(fake.search()).absence?.message == "the NVIDIA driver finds no GPU")
    }

    @Test func anOldDriverIsToldWithWhatIsNeeded() throws {
      try #require(fake.isThere)
      fake.reset()
      fake.set("version", 11040)
      let platform = CUDAPlatform(fake.search())
      #expect(
        platform.absence?.message == "the NVIDIA driver is too old: it is for CUDA 11.4, Pinion needs one for CUDA 12.0 or later")
      #expect(fake.calls("cuInit") == 0)
    }

    @Test func anOldDeviceIsTold() throws {
      try #require(fake.isThere)
      fake.reset()
      fake.set("capability", 61)
      #expect(CUDAPlatform(fake.search()).whyNot(0)?.message == "Fake GPU 0 has compute capability 6.1, Pinion needs 7.5 or later")
    }

    @Test func aDeviceThatTheCompilerDoesNotKnowIsTold() throws {
      try #require(fake.isThere)
      fake.reset()
      fake.set("capability", 130)
      #expect(
        CUDAPlatform(fake.search()).whyNot(0)?.message
          == "NVRTC 13.5 does not compile for compute capability 13.0; get a newer one with 'pip install nvidia-cuda-nvrtc'")
    }

    @Test func aLibraryThatIsNoCompilerIsTold() throws {
      try #require(fake.isThere)
      fake.reset()
      let reason = CUDAPlatform(fake.search(["PINION_NVRTC": "libm.so.6"])).whyNot(0)
      #expect(reason?.message.hasPrefix("the library opened for NVRTC is another: it has no nvrtcVersion") == true)
    }

    @Test func withoutCompilerTheSentenceSaysHowToGetOne() throws {
      try #require(fake.isThere)
      fake.reset()
      let platform = CUDAPlatform(fake.search(["PINION_NVRTC": "", "CUDA_HOME": "/nowhere"]))
      #expect(platform.absence == nil)
      let reason = try #require(platform.whyNot(0))
      #expect(reason.code == .unsupported)
      #expect(
        reason.message
          == "NVRTC, which compiles the kernels, was not found: looked for libnvrtc.so.13 and libnvrtc.so.12 through no folder; get it with "
          + "'pip install nvidia-cuda-nvrtc', or name the file in PINION_NVRTC")
    }

    /// The compiler is looked for once there is a device, and not before it is needed.
    @Test func nothingIsOpenedThatIsNotAskedFor() throws {
      try #require(fake.isThere)
      fake.reset()
      let platform = CUDAPlatform(fake.search(["PINION_NVRTC": "/nowhere/libnvrtc.so.13"]))
      #expect(platform.devices.count == 1)
      #expect(fake.calls("cuDevicePrimaryCtxRetain") == 0)
      #expect(platform.whyNot(0)?.message.contains("PINION_NVRTC=/nowhere/libnvrtc.so.13") == true)
    }

    @Test func imagesAreForTheNearestOlderCapability() throws {
      let compiler = try fake.platform().compiler()
      #expect(compiler.version == "13.5")
      #expect(try compiler.target(for: 90) == 90)
      #expect(try compiler.target(for: 89) == 80)
      #expect(try compiler.target(for: 121) == 120)
      #expect(throws: PinionError.self) { try compiler.target(for: 75) }
    }

    /// Each question about the device failing: a sentence, no device, nothing left behind.
    @Test(arguments: ["cuDriverGetVersion", "cuInit", "cuDeviceGetCount", "cuDeviceGet", "cuDeviceGetName", "cuDeviceTotalMem_v2", "cuDeviceGetAttribute"])
    func aFailingQuestion(_ name: String) throws {
      try #require(fake.isThere)
      for status: Int32 in [1, 2, 999] {
        fake.reset()
        fake.fail(name, nth: 1, status: status)
        let platform = CUDAPlatform(fake.search())
        #expect(platform.devices.isEmpty)
        #expect(platform.absence?.code == .unsupported && platform.absence?.message.isEmpty == false)
        #expect(fake.live == 0)
      }
    }
  }
}
