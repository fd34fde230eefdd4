using System.Buffers.Binary;
using Deepseek.Inference.Diagnostics;

namespace Deepseek.Inference.Tests.Diagnostics;

public sealed class ElfImageTests
{
    private const string Symbol = "_ZSt21ios_base_library_initv";
    private const string Older = "_ZNSt8ios_base4InitC1Ev";

    [Fact]
    public void RenameUndefinedSymbol_SmallLibrary_ChangesNameAndVersionAlone()
    {
        var bytes = SmallElf.Create((Symbol, "GLIBCXX_3.4.32"), ("puts", "GLIBC_2.2"), ("x", "GLIBCXX_3.4"));
        var before = bytes.ToArray();
        var image = new ElfImage(bytes);

        image.RenameUndefinedSymbol(Symbol, Older, "GLIBCXX_3.4");

        Assert.Equal([(Older, 4), ("puts", 3), ("x", 4)], SmallElf.Symbols(bytes)); // versions count from 2 in their order
        Assert.InRange(bytes.Where((value, i) => value != before[i]).Count(), 2, Symbol.Length + 1); // the name's letters and one byte of the version
    }

    [Fact]
    public void Needs_Version_FindsThoseOfTheTable()
    {
        var image = new ElfImage(SmallElf.Create((Symbol, "GLIBCXX_3.4.32"), ("puts", "GLIBC_2.2")));

        Assert.True(image.Needs("GLIBCXX_3.4.32"));
        Assert.True(image.Needs("GLIBC_2.2"));
        Assert.False(image.Needs("GLIBCXX_3.4"));
        Assert.False(image.Needs("GLIBCXX_3.4.32.1"));
    }

    [Fact]
    public void WeakenNeededVersion_MarksItWeak()
    {
        var bytes = SmallElf.Create((Symbol, "GLIBCXX_3.4.32"), ("puts", "GLIBC_2.2"));
        var before = bytes.ToArray();

        new ElfImage(bytes).WeakenNeededVersion("GLIBCXX_3.4.32");

        var changed = Assert.Single(Enumerable.Range(0, bytes.Length), i => bytes[i] != before[i]);
        Assert.Equal((0, 2), (before[changed], bytes[changed])); // VER_FLG_WEAK
    }

    [Fact]
    public void Members_WhatIsNotThere_IsNamed()
    {
        var image = new ElfImage(SmallElf.Create((Symbol, "GLIBCXX_3.4.32")));

        Assert.Equal("The library has no undefined symbol puts.", Assert.Throws<BadImageFormatException>(() => image.RenameUndefinedSymbol("puts", "x", "GLIBCXX_3.4.32")).Message);
        Assert.Equal("The library needs no version GLIBC_9.", Assert.Throws<BadImageFormatException>(() => image.RenameUndefinedSymbol(Symbol, "x", "GLIBC_9")).Message);
        Assert.Equal("The library needs no version GLIBC_9.", Assert.Throws<BadImageFormatException>(() => image.WeakenNeededVersion("GLIBC_9")).Message);
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1 })]
    public void Constructor_NotALibrary_IsRefused(byte[] bytes) => Assert.Equal(
        "The file is not a 64-bit little-endian ELF library.", Assert.Throws<BadImageFormatException>(() => new ElfImage(bytes)).Message);

    [Fact]
    public void Constructor_OtherWordSize_IsRefused()
    {
        var bytes = SmallElf.Create((Symbol, "GLIBCXX_3.4.32"));
        bytes[4] = 1; // 32 bits

        Assert.Throws<BadImageFormatException>(() => new ElfImage(bytes));
    }

    [Theory]
    [InlineData(5, "The library has no string table.")]
    [InlineData(6, "The library has no symbol table.")]
    [InlineData(0x6FFFFFF0, "The library has no symbol version table.")]
    [InlineData(0x6FFFFFFE, "The library has no table of needed versions.")]
    public void Constructor_MissingTable_IsNamed(long tag, string message)
    {
        var bytes = SmallElf.Create((Symbol, "GLIBCXX_3.4.32"));
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(SmallElf.DynamicEntry(bytes, tag)), 0x12345);

        Assert.Equal(message, Assert.Throws<BadImageFormatException>(() => new ElfImage(bytes)).Message);
    }

    [Fact]
    public void Constructor_TableOutsideAllSegments_IsNamed()
    {
        var bytes = SmallElf.Create((Symbol, "GLIBCXX_3.4.32"));
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(SmallElf.DynamicEntry(bytes, 5) + 8), 0x7777_0000);

        Assert.Equal("No segment of the library holds address 0x77770000.", Assert.Throws<BadImageFormatException>(() => new ElfImage(bytes)).Message);
    }

    [Fact]
    public void Members_EveryTruncation_ThrowOneKindOfError()
    {
        var sound = SmallElf.Create((Symbol, "GLIBCXX_3.4.32"), ("puts", "GLIBC_2.2"), ("x", "GLIBCXX_3.4"));

        for (var length = 0; length < sound.Length; length++)
            UseAll(sound[..length]);
    }

    [Fact]
    public void Members_DamagedBytes_ThrowOneKindOfError()
    {
        var sound = SmallElf.Create((Symbol, "GLIBCXX_3.4.32"), ("puts", "GLIBC_2.2"), ("x", "GLIBCXX_3.4"));
        var random = new Random(20250120);
        var refused = 0;

        for (var i = 0; i < 20_000; i++)
        {
            var damaged = sound.ToArray();
            for (var n = random.Next(1, 4); n > 0; n--)
            {
                var at = random.Next(6, damaged.Length);
                damaged[at] = random.Next(4) switch { 0 => 0, 1 => 0xFF, 2 => 0x80, _ => (byte)random.Next(256) };
            }

            refused += UseAll(damaged) ? 0 : 1;
        }

        Assert.InRange(refused, 1000, 19_000);
    }

    [Fact]
    public void Members_TableThatNeverEnds_IsRefused()
    {
        var bytes = SmallElf.Create((Symbol, "GLIBCXX_3.4.32"));
        var table = SmallElf.NeededVersions(bytes);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(table + 2), 65_535); // entries…
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(table + 16 + 12), 0); // …each at the place of the first

        var fault = Assert.Throws<BadImageFormatException>(() => new ElfImage(bytes).Needs("absent"));

        Assert.Equal("The library's table of needed versions does not end.", fault.Message);
    }

    [Fact]
    public void Members_TorchSharpsOwnLibrary_CanBeEdited()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Libraries are ELF images on Linux.");
        var bytes = File.ReadAllBytes(TorchLibraries.Find(TorchLibraries.BridgeName)!);
        var image = new ElfImage(bytes);

        Assert.True(image.Needs("GLIBCXX_3.4"));
        Assert.SkipUnless(image.Needs("GLIBCXX_3.4.32"), "This TorchSharp needs no newer C++ library.");
        image.RenameUndefinedSymbol(Symbol, Older, "GLIBCXX_3.4");
        image.WeakenNeededVersion("GLIBCXX_3.4.32");
        Assert.Throws<BadImageFormatException>(() => image.RenameUndefinedSymbol(Symbol, Older, "GLIBCXX_3.4"));
    }

    /// <summary>Whether everything succeeded; any error but one is a failure.</summary>
    private static bool UseAll(byte[] bytes)
    {
        try
        {
            var image = new ElfImage(bytes);
            image.Needs("absent");
            image.RenameUndefinedSymbol(Symbol, Older, "GLIBCXX_3.4");
            image.WeakenNeededVersion("GLIBCXX_3.4.32");
            return true;
        }
        catch (BadImageFormatException)
        {
            return false;
        }
    }
}
