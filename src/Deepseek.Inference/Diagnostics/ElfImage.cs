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
    private const long NeededVersionsCountTag = 0x6FFFFFFF;
    private const int SymbolSize = 24;

    private readonly byte[] _bytes;
    private readonly int _strings;
    private readonly int _symbols;
    private readonly int _versions;
    private readonly int _neededVersions;
    private readonly int _neededVersionFiles;

    /// <summary>Reads the tables' places; the array is edited in place by the other members.</summary>
    /// <exception cref="BadImageFormatException">The bytes are no such library, or lack a table.</exception>
    public ElfImage(byte[] bytes)
    {
        _bytes = bytes;
        if (bytes.Length < 64 || !bytes.AsSpan(0, 6).SequenceEqual("\u007FELF\u0002\u0001"u8))
            throw new BadImageFormatException("The file is not a 64-bit little-endian ELF library.");

        try
        {
            var dynamic = ReadDynamicSection();
            _strings = FileOffset(Required(dynamic, StringTableTag, "string table"));
            _symbols = FileOffset(Required(dynamic, SymbolTableTag, "symbol table"));
            _versions = FileOffset(Required(dynamic, VersionTableTag, "symbol version table"));
            _neededVersions = FileOffset(Required(dynamic, NeededVersionsTag, "table of needed versions"));
            _neededVersionFiles = (int)Required(dynamic, NeededVersionsCountTag, "count of needed versions");
        }
        catch (ArgumentOutOfRangeException e)
        {
            throw new BadImageFormatException("The library's dynamic section points outside the file.", e);
        }
    }

    /// <summary>Gives an undefined symbol another name and another of the needed versions.</summary>
    /// <param name="name">The symbol's name in the file.</param>
    /// <param name="newName">Its new name, no longer than the old one, which it overwrites.</param>
    /// <param name="newVersion">A version that the library needs already.</param>
    /// <exception cref="BadImageFormatException">The symbol or the version is not there.</exception>
    public void RenameUndefinedSymbol(string name, string newName, string newVersion)
    {
        var version = FindNeededVersion(newVersion);
        var symbol = FindUndefinedSymbol(name);

        var text = _bytes.AsSpan(_strings + (int)U32(_symbols + (symbol * SymbolSize)), name.Length);
        text.Clear();
        Encoding.ASCII.GetBytes(newName, text);
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(_versions + (2 * symbol)), U16(version + 6));
    }

    /// <summary>Marks a needed version weak, so that the loader passes over its absence.</summary>
    public void WeakenNeededVersion(string version) =>
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(FindNeededVersion(version) + 4), 2);

    /// <summary>Whether the library needs a version.</summary>
    public bool Needs(string version) => TryFindNeededVersion(version, out _);

    private int FindUndefinedSymbol(string name)
    {
        // The dynamic section gives no count; in every linker's layout the string table follows the symbols.
        var count = (_strings - _symbols) / SymbolSize;
        for (var i = 1; i < count; i++)
        {
            var entry = _symbols + (i * SymbolSize);
            if (U16(entry + 6) == 0 && StringEquals((int)U32(entry), name))
                return i;
        }

        throw new BadImageFormatException($"The library has no undefined symbol {name}.");
    }

    private int FindNeededVersion(string version) =>
        TryFindNeededVersion(version, out var entry) ? entry : throw new BadImageFormatException($"The library needs no version {version}.");

    private bool TryFindNeededVersion(string version, out int entry)
    {
        var file = _neededVersions;
        for (var i = 0; i < _neededVersionFiles; i++)
        {
            entry = file + (int)U32(file + 8);
            for (var j = 0; j < U16(file + 2); j++)
            {
                if (StringEquals((int)U32(entry + 8), version))
                    return true;
                entry += (int)U32(entry + 12);
            }

            file += (int)U32(file + 12);
        }

        entry = 0;
        return false;
    }

    private Dictionary<long, long> ReadDynamicSection()
    {
        Dictionary<long, long> entries = [];
        foreach (var header in ProgramHeaders())
        {
            if (U32(header) != DynamicSegment)
                continue;
            var end = (int)(I64(header + 8) + I64(header + 32));
            for (var at = (int)I64(header + 8); at < end && I64(at) != 0; at += 16)
                entries.TryAdd(I64(at), I64(at + 8));
        }

        return entries;
    }

    private int FileOffset(long address)
    {
        foreach (var header in ProgramHeaders())
        {
            var start = I64(header + 16);
            if (U32(header) == LoadSegment && address >= start && address < start + I64(header + 32))
                return (int)(address - start + I64(header + 8));
        }

        throw new BadImageFormatException($"No segment of the library holds address 0x{address:x}.");
    }

    private IEnumerable<int> ProgramHeaders()
    {
        var start = (int)I64(32);
        for (var i = 0; i < U16(56); i++)
            yield return start + (i * U16(54));
    }

    private static long Required(Dictionary<long, long> dynamic, long tag, string what) =>
        dynamic.TryGetValue(tag, out var value) ? value : throw new BadImageFormatException($"The library has no {what}.");

    private bool StringEquals(int offset, string text)
    {
        var at = _strings + offset;
        return _bytes[at + text.Length] == 0 && Encoding.ASCII.GetString(_bytes.AsSpan(at, text.Length)) == text;
    }

    private ushort U16(int at) => BinaryPrimitives.ReadUInt16LittleEndian(_bytes.AsSpan(at));

    private uint U32(int at) => BinaryPrimitives.ReadUInt32LittleEndian(_bytes.AsSpan(at));

    private long I64(int at) => BinaryPrimitives.ReadInt64LittleEndian(_bytes.AsSpan(at));
}
