using System.Buffers.Binary;
using System.Text;

namespace Deepseek.Inference.Tests.Diagnostics;

/// <summary>ELF libraries of nothing but the tables that a loader reads for undefined symbols; addresses are file offsets plus <see cref="Base"/>.</summary>
/// <remarks>Layout: System V gABI, chapters 4 and 5, and Linux Standard Base 5.0, "Symbol Versioning".</remarks>
internal static class SmallElf
{
    private const int Base = 0x1000;
    private const int ProgramHeaders = 64;
    private const int Dynamic = ProgramHeaders + (2 * 56);
    private const int VersionFile = Dynamic + (6 * 16);

    /// <summary>A library that needs symbols, each of a version; equal versions are listed once.</summary>
    public static byte[] Create(params (string Name, string Version)[] symbols)
    {
        string[] versions = [.. symbols.Select(symbol => symbol.Version).Distinct()];
        var text = new StringBuilder("\0");
        int Intern(string value)
        {
            var at = text.Length;
            text.Append(value).Append('\0');
            return at;
        }

        var versionNames = Array.ConvertAll(versions, Intern);
        var symbolNames = Array.ConvertAll(symbols, symbol => Intern(symbol.Name));
        var versionTable = VersionFile + 16 + (16 * versions.Length);
        var symbolTable = (versionTable + (2 * (symbols.Length + 1)) + 7) / 8 * 8;
        var strings = symbolTable + (24 * (symbols.Length + 1));
        var bytes = new byte[strings + text.Length];
        void Int16(int at, int value) => BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(at), (ushort)value);
        void Int32(int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at), value);
        void Int64(int at, long value) => BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(at), value);

        "\u007FELF\u0002\u0001"u8.CopyTo(bytes);
        Int64(32, ProgramHeaders);
        Int16(54, 56);
        Int16(56, 2);
        Header(ProgramHeaders, type: 1, offset: 0, size: bytes.Length);
        Header(ProgramHeaders + 56, type: 2, offset: Dynamic, size: VersionFile - Dynamic);

        (long Tag, long Value)[] dynamic =
            [(5, Base + strings), (6, Base + symbolTable), (0x6FFFFFF0, Base + versionTable), (0x6FFFFFFE, Base + VersionFile), (0x6FFFFFFF, 1)];
        for (var i = 0; i < dynamic.Length; i++)
        {
            Int64(Dynamic + (16 * i), dynamic[i].Tag);
            Int64(Dynamic + (16 * i) + 8, dynamic[i].Value);
        }

        Int16(VersionFile, 1);
        Int16(VersionFile + 2, versions.Length);
        Int32(VersionFile + 8, 16);
        for (var i = 0; i < versions.Length; i++)
        {
            var at = VersionFile + 16 + (16 * i);
            Int16(at + 6, i + 2); // 0 and 1 mean local and unversioned
            Int32(at + 8, versionNames[i]);
            Int32(at + 12, i + 1 < versions.Length ? 16 : 0);
        }

        for (var i = 0; i < symbols.Length; i++)
        {
            Int32(symbolTable + (24 * (i + 1)), symbolNames[i]);
            Int16(versionTable + (2 * (i + 1)), Array.IndexOf(versions, symbols[i].Version) + 2);
        }

        Encoding.ASCII.GetBytes(text.ToString(), bytes.AsSpan(strings));
        return bytes;

        void Header(int at, int type, int offset, int size)
        {
            Int32(at, type);
            Int64(at + 8, offset);
            Int64(at + 16, Base + offset);
            Int64(at + 32, size);
        }
    }

    /// <summary>The place of a tag in the dynamic section; its value lies 8 bytes on.</summary>
    public static int DynamicEntry(byte[] bytes, long tag) =>
        Enumerable.Range(0, 6).Select(i => Dynamic + (16 * i)).First(at => BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(at)) == tag);

    /// <summary>The place of the table of needed versions.</summary>
    public static int NeededVersions(byte[] bytes) => Offset(bytes, 0x6FFFFFFE);

    /// <summary>The undefined symbols with the numbers of their versions.</summary>
    public static (string Name, int Version)[] Symbols(byte[] bytes)
    {
        var (strings, symbols, versions) = (Offset(bytes, 5), Offset(bytes, 6), Offset(bytes, 0x6FFFFFF0));
        return [.. Enumerable.Range(1, ((strings - symbols) / 24) - 1).Select(i => (
            Text(strings + BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(symbols + (24 * i)))),
            (int)BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(versions + (2 * i)))))];

        string Text(int at) => Encoding.ASCII.GetString(bytes.AsSpan(at, Array.IndexOf(bytes, (byte)0, at) - at));
    }

    private static int Offset(byte[] bytes, long tag) => (int)BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(DynamicEntry(bytes, tag) + 8)) - Base;
}
