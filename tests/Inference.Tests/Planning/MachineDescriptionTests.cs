using Deepseek.Inference.Configuration;
using Deepseek.Inference.Planning;
using Deepseek.Inference.Tests.Store;

namespace Deepseek.Inference.Tests.Planning;

public sealed class MachineDescriptionTests(MadeStore made) : IClassFixture<MadeStore>
{
    [Fact]
    public void Measure_ThisMachine_TellsAllFigures()
    {
        var machine = MachineDescription.Measure(made.Folder, 1, TestContext.Current.CancellationToken);

        Assert.All(
            [machine.MemoryGigabytesPerSecond, machine.Int16Gops, machine.DiskGigabytesPerSecond ?? 0, machine.KernelShare, machine.WidenShare, machine.ArithmeticShare],
            figure => Assert.True(double.IsFinite(figure) && figure > 0, $"{machine}"));
        Assert.Null(machine.Device);
        Assert.True(machine.RamBytes > 1L << 26);
        Assert.StartsWith("measured now with 1 threads, the disk by ", machine.Origin, StringComparison.Ordinal);
    }

    [Fact]
    public void Measure_Cancelled_Ends()
    {
        Assert.Throws<OperationCanceledException>(() => MachineDescription.Measure(threads: 1, cancellationToken: new CancellationToken(canceled: true)));
    }

    [Fact]
    public void Measure_MissingFolder_IsKnownAtOnce()
    {
        Assert.Throws<DirectoryNotFoundException>(() => MachineDescription.Measure("no/such/folder"));
    }

    [Fact]
    public void Plan_ImpossibleMachine_NamesEveryFault()
    {
        var machine = KnownMachines.ByName("cpu-64gb") with
        {
            RamBytes = 0, MemoryGigabytesPerSecond = -1, Int16Gops = double.NaN, DiskGigabytesPerSecond = 0, KernelShare = 0, WidenShare = 0, ArithmeticShare = double.PositiveInfinity,
            Device = new DeviceDescription("card", 0, 0, 0, 0),
        };

        var fault = Assert.Throws<ArgumentException>(() => DeploymentPlanner.Plan(KnownModels.V2Lite, machine));

        Assert.Equal(
            "MachineDescription: RamBytes is 0; it must be 1 or more. MemoryGigabytesPerSecond is -1; it must be a number above 0. Int16Gops is NaN; it must be a number above 0. "
            + "DiskGigabytesPerSecond is 0; it must be a number above 0. KernelShare is 0; it must be a number above 0. WidenShare is 0; it must be a number above 0. ArithmeticShare is Infinity; it must be a number above 0. "
            + "Device.Bytes is 0; it must be 1 or more, or Device null. Device.GigabytesPerSecond is 0; it must be a number above 0. Device.Teraflops is 0; it must be a number above 0. Device.LinkGigabytesPerSecond is 0; it must be a number above 0.",
            fault.Message);
    }

    [Fact]
    public void KnownMachines_All_CanBePlannedFor()
    {
        Assert.Equal(KnownMachines.Names.Count, KnownMachines.Names.Distinct(StringComparer.OrdinalIgnoreCase).Count());
        Assert.All(KnownMachines.All, machine =>
        {
            machine.Validate();
            Assert.Matches("^(nominal|measured): ", machine.Origin);
            Assert.Same(machine, KnownMachines.ByName(machine.Name.ToUpperInvariant()));
        });
        Assert.Contains(KnownMachines.All, machine => machine is { Device: { Name: "RTX 4090", Bytes: 24L << 30 }, RamBytes: <= 64L << 30, DiskGigabytesPerSecond: not null });
    }

    [Fact]
    public void KnownMachines_UnknownName_IsRefused()
    {
        var fault = Assert.Throws<ArgumentException>(() => KnownMachines.ByName("toaster"));

        Assert.StartsWith("The machine is \"toaster\"; it must be one of rtx4090-64gb, rtx4090-192gb, rtx3090-64gb, cpu-64gb, laptop-32gb, cpu-24gb-2core, epyc-512gb.", fault.Message, StringComparison.Ordinal);
    }
}
