using System.Globalization;

namespace Deepseek.Inference.Diagnostics;

/// <summary>A disk has too little space for what is to be written to it.</summary>
public sealed class DiskSpaceException : DeepseekException
{
    /// <summary>Creates the exception; its message names the folder, both sizes and the remedy.</summary>
    /// <param name="folder">The folder that was to be written to.</param>
    /// <param name="needed">Bytes that are still to be written.</param>
    /// <param name="available">Bytes that the disk has for this user.</param>
    /// <param name="innerException">The failed write, if there was one.</param>
    public DiskSpaceException(string folder, long needed, long available, Exception? innerException = null)
        : base(Message(folder, needed, available), innerException)
    {
        Folder = folder;
        Needed = needed;
        Available = available;
    }

    /// <summary>The folder that was to be written to.</summary>
    public string Folder { get; }

    /// <summary>Bytes that are still to be written.</summary>
    public long Needed { get; }

    /// <summary>Bytes that the disk has for this user.</summary>
    public long Available { get; }

    private static new string Message(string folder, long needed, long available)
    {
        // A quota, or another program, may fill a disk that seemed to have enough.
        var remedy = needed > available ? $"Free {Size(needed - available)}" : "Free space, or ask for a larger quota";
        return $"{folder}: {Size(needed)} are to be written, and the disk has {Size(available)} left. {remedy}, or choose a folder on another disk.";
    }

    /// <summary>Rounded up, so that freeing what the message says is enough.</summary>
    private static string Size(long bytes) => bytes switch
    {
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes} bytes"),
        < 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(bytes / 1e5) / 10:0.0} MB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(bytes / 1e8) / 10:0.0} GB"),
    };
}
