using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Deepseek.Inference.Diagnostics;
using Deepseek.Inference.Store;
using Deepseek.Inference.Tests.Checkpoints;
using FsCheck;
using FsCheck.Fluent;

namespace Deepseek.Inference.Tests.Store;

public sealed class StoreJournalTests : IDisposable
{
    private static readonly UInt128 Fingerprint = new(1, 2);

    private readonly TemporaryFolder _folder = new();

    private string File => _folder.File("convert.journal");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_EmptyFolder_BeginsATitledJournal()
    {
        using (var journal = StoreJournal.Open(_folder.Path, Fingerprint))
            Assert.Empty(journal.Done);

        var line = Assert.Single(System.IO.File.ReadAllLines(File));
        Assert.Matches("^deepseek conversion 2 00000000000000010000000000000002 [0-9a-f]{8}$", line);
    }

    [Fact]
    public void Open_AnyPages_KnowsThemAgain()
    {
        var pages = (from shard in Gen.Choose(0, int.MaxValue) from page in Gen.Choose(0, int.MaxValue) from high in Gen.Choose(0, int.MaxValue) select (shard, page, new UInt128((ulong)high, (ulong)page))).ListOf();
        Prop.ForAll(pages.ToArbitrary(), noted =>
        {
            System.IO.File.Delete(File);
            using (var journal = StoreJournal.Open(_folder.Path, Fingerprint))
            {
                foreach (var (shard, page, checksum) in noted)
                    journal.Add(shard, page, checksum);
            }

            using var again = StoreJournal.Open(_folder.Path, Fingerprint);
            Assert.Equal(noted.GroupBy(one => (one.shard, one.page)).ToDictionary(same => same.Key, same => same.Last().Item3), again.Done);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Open_CutAtAnyByte_KeepsWholeLinesAndGoesOn()
    {
        var whole = Journal(5);

        for (var length = 0; length <= whole.Length; length++)
        {
            System.IO.File.WriteAllBytes(File, whole[..length]);
            // A line counts when all of it is there; its end may be missing.
            var lines = Enumerable.Range(0, 6).Count(line => End(whole, line) <= length + 1);
            using (var journal = StoreJournal.Open(_folder.Path, Fingerprint))
            {
                Assert.Equal(Math.Max(0, lines - 1), journal.Done.Count);
                journal.Add(7, 70, 700);
            }

            using var again = StoreJournal.Open(_folder.Path, Fingerprint);
            Assert.Equal(Math.Max(0, lines - 1) + 1, again.Done.Count);
            Assert.Equal((UInt128)700, again.Done[(7, 70)]);
        }
    }

    [Fact]
    public void Open_AnyBitFlipped_NeverBelievesWhatWasNotWritten()
    {
        var whole = Journal(4);
        var title = End(whole, 0);
        var expected = Enumerable.Range(0, 4).ToDictionary(page => (0, page), page => (UInt128)(ulong)page);

        for (var bit = 0; bit < 8 * whole.Length; bit++)
        {
            var damaged = whole.ToArray();
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            System.IO.File.WriteAllBytes(File, damaged);
            if (bit / 8 < title)
            {
                // Without its title nobody knows whose it is: the first line that is sound is another.
                Assert.Throws<CheckpointFormatException>(() => StoreJournal.Open(_folder.Path, Fingerprint));
                continue;
            }

            using var journal = StoreJournal.Open(_folder.Path, Fingerprint);
            Assert.InRange(journal.Done.Count, 2, 3); // a line's end joins two
            Assert.All(journal.Done, page => Assert.Equal(expected[page.Key], page.Value));
        }
    }

    [Fact]
    public void Open_GarbageBetweenLines_IsPassedOver()
    {
        var whole = Encoding.ASCII.GetString(Journal(2));
        var lines = whole.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var garbage = "\n\n \nholiday\n\0\0\0\0\u00FF\n5 6\n1 2 3 4\n" + new string('x', 100_000) + "\n";

        System.IO.File.WriteAllText(File, lines[0] + "\r\n" + lines[1] + garbage + lines[2] + garbage, Encoding.Latin1);
        using var journal = StoreJournal.Open(_folder.Path, Fingerprint);

        Assert.Equal([(0, 0), (0, 1)], journal.Done.Keys.Order());
    }

    [Theory]
    [InlineData("-1 0 00000000000000000000000000000000")]
    [InlineData("0 -1 00000000000000000000000000000000")]
    [InlineData("99999999999 0 00000000000000000000000000000000")]
    [InlineData("0 0 -0000000000000000000000000000000")]
    [InlineData("0 0 holiday")]
    [InlineData("0 0")]
    [InlineData("0 0 00000000000000000000000000000000 1")]
    [InlineData("a b c")]
    public void Open_LineOfAStrangerWithARightChecksum_IsPassedOver(string line)
    {
        var whole = Journal(1);

        System.IO.File.WriteAllBytes(File, [.. whole, .. Encoding.ASCII.GetBytes($"{line} {Check(line)}\n")]);
        using var journal = StoreJournal.Open(_folder.Path, Fingerprint);

        Assert.Equal([(0, 0)], journal.Done.Keys);
    }

    [Fact]
    public void Open_NothingSound_BeginsAnew()
    {
        System.IO.File.WriteAllText(File, "deepseek conversion 2 0000");

        using (var journal = StoreJournal.Open(_folder.Path, Fingerprint))
            journal.Add(0, 0, 5);

        Assert.StartsWith("deepseek conversion 2 00000000000000010000000000000002 ", System.IO.File.ReadAllText(File), StringComparison.Ordinal);
        using var again = StoreJournal.Open(_folder.Path, Fingerprint);
        Assert.Single(again.Done);
    }

    [Fact]
    public void Open_AnothersJournal_IsRefusedAndLeftAsItIs()
    {
        var whole = Journal(3);

        var fault = Assert.Throws<CheckpointFormatException>(() => StoreJournal.Open(_folder.Path, Fingerprint + 1));

        Assert.Equal($"{_folder.Path}: The folder holds an unfinished conversion with other options or of another checkpoint. Give those again to finish it, or another folder, or remove this one.", fault.Message);
        Assert.Equal(whole, System.IO.File.ReadAllBytes(File));
    }

    [Fact]
    public void Open_Twice_TheSecondIsRefusedUntilTheFirstIsClosed()
    {
        using (StoreJournal.Open(_folder.Path, Fingerprint))
        {
            var fault = Assert.Throws<CheckpointFormatException>(() => StoreJournal.Open(_folder.Path, Fingerprint));
            Assert.Equal($"{_folder.Path}: Another process is converting into the folder. Wait for it, or give another folder.", fault.Message);
        }

        using var again = StoreJournal.Open(_folder.Path, Fingerprint);
        Assert.Empty(again.Done);
    }

    [Fact]
    public void Open_FileThatCannotBeOpened_IsNoOtherProcess()
    {
        Directory.CreateDirectory(File);

        Assert.Throws<UnauthorizedAccessException>(() => StoreJournal.Open(_folder.Path, Fingerprint)); // it is a folder
    }

    [Fact]
    public void Add_ManyThreads_LosesNothing()
    {
        using (var journal = StoreJournal.Open(_folder.Path, Fingerprint))
            Parallel.For(0, 4000, page => journal.Add(page % 3, page, (UInt128)(ulong)page));

        using var again = StoreJournal.Open(_folder.Path, Fingerprint);

        Assert.Equal(4000, again.Done.Count);
        Assert.All(again.Done, page => Assert.Equal((page.Key.Page % 3, (UInt128)(ulong)page.Key.Page), (page.Key.Shard, page.Value)));
    }

    /// <summary>The bytes of a journal of shard 0 with so many pages.</summary>
    private byte[] Journal(int pages)
    {
        using (var journal = StoreJournal.Open(_folder.Path, Fingerprint))
        {
            for (var page = 0; page < pages; page++)
                journal.Add(0, page, (UInt128)(ulong)page);
        }

        return System.IO.File.ReadAllBytes(File);
    }

    /// <summary>The byte after a line's end.</summary>
    private static int End(byte[] text, int line)
    {
        var end = 0;
        for (var i = 0; i <= line; i++)
            end = Array.IndexOf(text, (byte)'\n', end) + 1;
        return end;
    }

    private static string Check(string line) => XxHash32.HashToUInt32(Encoding.ASCII.GetBytes(line)).ToString("x8", CultureInfo.InvariantCulture);
}
