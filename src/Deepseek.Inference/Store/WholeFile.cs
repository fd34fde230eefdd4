namespace Deepseek.Inference.Store;

/// <summary>A file that appears complete and on the disk, or not at all: it is written beside its place and moved there.</summary>
/// <remarks>Whatever ends the process before <see cref="Complete"/> leaves the old file as it was.</remarks>
internal sealed class WholeFile : IDisposable
{
    private readonly string _path;
    private readonly string _partial;
    private bool _complete;

    public WholeFile(string path)
    {
        (_path, _partial) = (path, path + StoreFile.Partial);
        Content = new FileStream(_partial, FileMode.Create, FileAccess.Write, FileShare.None);
    }

    /// <summary>Receives what the file shall hold.</summary>
    public FileStream Content { get; }

    /// <summary>Puts the file in its place.</summary>
    public void Complete()
    {
        Content.Flush(flushToDisk: true);
        Content.Dispose();
        File.Move(_partial, _path, overwrite: true);
        _complete = true;
        FolderFlush.Flush(Path.GetDirectoryName(Path.GetFullPath(_path))!);
    }

    public void Dispose()
    {
        if (_complete)
            return;
        try
        {
            Content.Dispose(); // may fail as the write before did: on a full disk
        }
        finally
        {
            File.Delete(_partial); // what is half written is of use to nobody
        }
    }
}
