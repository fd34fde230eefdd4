using System.Buffers.Binary;
using System.Text;

namespace Deepseek.Inference.Diagnostics;

/// <summary>The dynamic symbol table of a 64-bit little-endian ELF library, read and edited in memory.</summary>
/// <remarks>
/// System V gABI, chapters 4 and 5; symbol versions: Linux Standard Base 5.0, "Symbol Versioning".
/// Addresses of the dynamic section are translated to file offsets through the loadable segments.
/// </remarks>
internal sealed class ElfImage
{
    private const int LoadSegment = 1;
    private const int DynamicSegment = 2;
    private const long StringTableTag = 5;
    private const long SymbolTableTag = 6;
    private const long VersionTableTag = 0x6FFFFFF0;
    private const long NeededVersionsTag = 0x6FFFFFFE;
    private const int SymbolSize = 24;
    private const int NeededVersionSize = 16;

    private readonly byte[] _bytes;
    private readonly long _strings;
    private readonly long _symbols;
    private readonly long _versions;
    private readonly long _neededVersions;

    /// <summary>Reads the tables' places; the array is edited in place by the other members.</summary>
    /// <exception cref="BadImageFormatException">The bytes are no such library, lack a table, or point outside the file.</exception>
    public ElfImage(byte[] bytes)
    {
        _bytes = bytes;
        if (bytes.Length < 64 || !bytes.AsSpan(0, 6).SequenceEqual("\u007FELF\u0002\u0001"u8))
            throw new BadImageFormatException("The file is not a 64-bit little-endian ELF library.");

        var dynamic = ReadDynamicSection();
        _strings = FileOffset(Required(dynamic, StringTableTag, "string table"));
        _symbols = FileOffset(Required(dynamic, SymbolTableTag, "symbol table"));
        _versions = FileOffset(Required(dynamic, VersionTableTag, "symbol version table"));
        _neededVersions = FileOffset(Required(dynamic, NeededVersionsTag, "table of needed versions"));
    }

    /// <summary>Gives an undefined symbol another name and another of the needed versions.</summary>
    /// <param name="name">The symbol's name in the file.</param>
    /// <param name="newName">Its new name, no longer than the old one, which it overwrites.</param>
    /// <param name="newVersion">A version that the library needs already.</param>
    /// <exception cref="BadImageFormatException">The symbol or the version is not there, or a table points outside the file.</exception>
    public void RenameUndefinedSymbol(string name, string newName, string newVersion)
    {
        var version = FindNeededVersion(newVersion);
        var symbol = FindUndefinedSymbol(name);

        var text = Bytes(_strings + U32(_symbols + (symbol * SymbolSize)), name.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(Bytes(_versions + (2 * symbol), 2), U16(version + 6));
        text.Clear();
        Encoding.ASCII.GetBytes(newName, text);
    }

    /// <summary>Marks a needed version weak, so that the loader passes over its absence.</summary>
    /// <exception cref="BadImageFormatException">The version is not there, or a table points outside the file.</exception>
    public void WeakenNeededVersion(string version) =>
        BinaryPrimitives.WriteUInt16LittleEndian(Bytes(FindNeededVersion(version) + 4, 2), 2);

    /// <summary>Whether the library needs a version.</summary>
    /// <exception cref="BadImageFormatException">A table points outside the file.</exception>
    public bool Needs(string version) => TryFindNeededVersion(version, out _);

    private long FindUndefinedSymbol(string name)
    {
        // The dynamic section gives no count; in every linker's layout the string table follows the symbols.
        var count = (_strings - _symbols) / SymbolSize;
        for (var i = 1L; i < count; i++)
        {
            var entry = _symbols + (i * SymbolSize);
            if (U16(entry + 6) == 0 && StringEquals(U32(entry), name))
                return i;
        }

        throw new BadImageFormatException($"The library has no undefined symbol {name}.");
    }

    private long FindNeededVersion(string version) =>
        TryFindNeededVersion(version, out var entry) ? entry : throw new BadImageFormatException($"The library needs no version {version}.");

    private bool TryFindNeededVersion(string version, out long entry)
    {
        // Lists within a list: without a bound, damaged counts and offsets could be followed for days.
        var left = _bytes.Length / NeededVersionSize;
        for (var file = _neededVersions; ; file += U32(file + 12))
        {
            entry = file + U32(file + 8);
            for (var i = U16(file + 2); i > 0; i--)
            {
                if (StringEquals(U32(entry + 8), version))
                    return true;
                if (--left < 0)
                    throw new BadImageFormatException("The library's table of needed versions does not end.");
                entry += U32(entry + 12);
            }

            if (--left < 0)
                throw new BadImageFormatException("The library's table of needed versions does not end.");
            if (U32(file + 12) == 0)
                return false;
        }
    }

    private Dictionary<long, long> ReadDynamicSection()
    {
        Dictionary<long, long> entries = [];
        foreach (var header in ProgramHeaders())
        {
            if (U32(header) != DynamicSegment)
                continue;
            for (var at = I64(header + 8); I64(at) != 0; at += 16)
                entries.TryAdd(I64(at), I64(at + 8));
            break; // there is one at most
        }

        return entries;
    }

    private long FileOffset(long address)
    {
        foreach (var header in ProgramHeaders())
        {
            var start = I64(header + 16);
            if (U32(header) == LoadSegment && address >= start && address - start < I64(header + 32))
                return address - start + I64(header + 8);
        }

        throw new BadImageFormatException($"No segment of the library holds address 0x{address:x}.");
    }

    private IEnumerable<long> ProgramHeaders()
    {
        var start = I64(32);
        for (var i = 0; i < U16(56); i++)
            yield return start + (i * U16(54));
    }

    private static long Required(Dictionary<long, long> dynamic, long tag, string what) =>
        dynamic.TryGetValue(tag, out var value) ? value : throw new BadImageFormatException($"The library has no {what}.");

    private bool StringEquals(long offset, string text)
    {
        var stored = Bytes(_strings + offset, 0, toEnd: true);
        return stored.Length > text.Length && stored[text.Length] == 0 && Ascii.Equals(stored[..text.Length], text);
    }

    private ushort U16(long at) => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(at, 2));

    private uint U32(long at) => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(at, 4));

    private long I64(long at) => BinaryPrimitives.ReadInt64LittleEndian(Bytes(at, 8));

    private Span<byte> Bytes(long at, int count, bool toEnd = false)
    {
        if (at < 0 || at > _bytes.Length - count)
            throw new BadImageFormatException("The library's tables point outside the file.");
        return _bytes.AsSpan((int)at, toEnd ? _bytes.Length - (int)at : count);
    }
}
