using System.Runtime.InteropServices;

namespace Deepseek.Inference.Kernels.Tests;

public sealed unsafe class ExecutableMemoryTests
{
    [Fact]
    public void Place_AFunction_CanBeCalled()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64, "Code is placed on Linux, and made for x64.");
        var to = new Assembler();
        to.Lea(Register.Rax, new Address(Register.Rdi, 5, Register.Rdi, 2));
        to.Return();

        var start = ExecutableMemory.Place(to.ToArray());

        Assert.True(start is not null);
        Assert.Equal(3 * 7 + 5, ((delegate* unmanaged<long, long>)start)(7));
    }

    [Fact]
    public void Place_AFunction_CannotBeWritten()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Code is placed on Linux.");
        var start = ExecutableMemory.Place([0xC3]);
        Assert.True(start is not null);

        var mapping = File.ReadLines("/proc/self/maps").Single(line => line.StartsWith(((nint)start).ToString("x", System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal));

        Assert.Contains(" r-xp ", mapping, StringComparison.Ordinal);
    }

    [Fact]
    public void Place_WhatCannotBeMapped_SaysNo()
    {
        Assert.True(ExecutableMemory.Place([]) is null);
    }

    [Fact]
    public void Place_OnAnotherSystem_SaysNo()
    {
        Assert.SkipWhen(OperatingSystem.IsLinux(), "Linux places code.");

        Assert.True(ExecutableMemory.Place([0xC3]) is null);
    }
}
