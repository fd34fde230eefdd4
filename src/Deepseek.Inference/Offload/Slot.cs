namespace Deepseek.Inference.Offload;

/// <summary>What a slot holds.</summary>
internal enum SlotState
{
    Free,
    Reading,
    Ready,

    /// <summary>Its read failed; those who wait for it have still to be told.</summary>
    Failed,
}

/// <summary>A place for an expert in memory, under the cache's lock.</summary>
internal struct Slot
{
    /// <summary>The expert's number; −1 for none.</summary>
    public int Expert;

    /// <summary>What it holds.</summary>
    public SlotState State;

    /// <summary>Batches that use or await it: it may not leave.</summary>
    public int Pins;

    /// <summary>Whether a hint brought it and no token has demanded it since.</summary>
    public bool Prefetched;

    /// <summary>Whether the read in progress may wait for demanded ones.</summary>
    public bool MayWait;

    /// <summary>Pieces whose reading has begun.</summary>
    public int Begun;

    /// <summary>Pieces that have arrived or failed.</summary>
    public int Done;

    /// <summary>How often the whole record was read again because its checksum was another.</summary>
    public int Repeats;

    /// <summary>Why its read failed.</summary>
    public ReadFault? Fault;
}
