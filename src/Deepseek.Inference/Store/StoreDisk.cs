namespace Deepseek.Inference.Store;

/// <summary>A further folder, on another disk, for a part of a store's experts.</summary>
/// <param name="Folder">The folder; it is made where it is absent.</param>
/// <param name="Speed">How fast the disk is, in any unit that the others have, above 0: it gets experts in proportion.</param>
public sealed record StoreDisk(string Folder, double Speed = 1);
