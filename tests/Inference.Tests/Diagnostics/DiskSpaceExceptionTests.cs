using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Tests.Diagnostics;

public sealed class DiskSpaceExceptionTests
{
    [Theory]
    [InlineData(2_000, 500, "models: 2000 bytes are to be written, and the disk has 500 bytes left. Free 1500 bytes, or choose a folder on another disk.")]
    [InlineData(3_450_000, 0, "models: 3.5 MB are to be written, and the disk has 0 bytes left. Free 3.5 MB, or choose a folder on another disk.")]
    [InlineData(337_000_000_001, 80_000_000_000, "models: 337.1 GB are to be written, and the disk has 80.0 GB left. Free 257.1 GB, or choose a folder on another disk.")]
    [InlineData(10, 500, "models: 10 bytes are to be written, and the disk has 500 bytes left. Free space, or ask for a larger quota, or choose a folder on another disk.")]
    public void Message_AnySizes_NamesFolderSizesAndRemedy(long needed, long available, string message)
    {
        var error = new DiskSpaceException("models", needed, available);

        Assert.Equal(message, error.Message);
        Assert.Equal(("models", needed, available), (error.Folder, error.Needed, error.Available));
    }
}
