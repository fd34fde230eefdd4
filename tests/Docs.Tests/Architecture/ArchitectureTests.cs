using Deepseek.Inference.Docs.Tests.Support;

namespace Deepseek.Inference.Docs.Tests.Architecture;

public sealed class ArchitectureTests
{
    private static readonly ILookup<string, string> FilesOfParts = RepositoryFiles.CSharp
        .Where(file => file.StartsWith("src/", StringComparison.Ordinal))
        .ToLookup(PartUses.PartOf);

    private static readonly Dictionary<string, HashSet<string>> TypesOfParts = FilesOfParts
        .ToDictionary(part => part.Key, part => part.Select(file => Path.GetFileName(file).Split('.')[0]).ToHashSet());

    [Fact]
    public void Parts_EveryFolder_HasARow()
    {
        Faults.RequireNone(FilesOfParts.Select(part => part.Key).Except(PartTable.Parts));
    }

    [Fact]
    public void Parts_NamesInSource_AreThoseThatTheTableAllows()
    {
        var faults = Trespasses().Where(use => !PartTable.Exceptions.Any(known => known.Part == use.Part && known.Used == use.Used));

        Faults.RequireNone(faults.Select(use => $"{use.File} uses {use.Used}; {use.Part} may not."));
    }

    [Fact]
    public void Exceptions_All_AreStillNeeded()
    {
        var trespasses = Trespasses().ToList();

        var idle = PartTable.Exceptions.Where(known => !trespasses.Any(use => known.Part == use.Part && known.Used == use.Used));

        Faults.RequireNone(idle.Select(known => $"{known.Part} no longer uses {known.Used}: strike the exception from the table."));
    }

    [Fact]
    public void Parts_OutsideNamespaces_AreThoseThatTheTableAllows()
    {
        var faults =
            from part in FilesOfParts
            from file in part
            from name in PartUses.Outside(RepositoryFiles.Read(file))
            where PartTable.IsForbidden(part.Key, name)
            select $"{file} uses {name}; {part.Key} may not.";

        Faults.RequireNone(faults);
    }

    [Fact]
    public void Namespaces_OfLibraries_AreTheirFolders()
    {
        var faults =
            from file in RepositoryFiles.CSharp
            where file.StartsWith("src/", StringComparison.Ordinal)
            let expected = Path.GetDirectoryName(file)!["src/".Length..].Replace('/', '.').Replace('\\', '.')
            let found = RepositoryFiles.Read(file).Split('\n').FirstOrDefault(line => line.StartsWith("namespace ", StringComparison.Ordinal))?.Trim()
            where found is not null && found != $"namespace {expected};"
            select $"{file}: {found} should be namespace {expected};";

        Faults.RequireNone(faults);
    }

    private static IEnumerable<(string File, string Part, string Used)> Trespasses() =>
        from part in FilesOfParts
        from file in part
        from used in PartUses.Parts(RepositoryFiles.Read(file), IsType)
        where PartTable.Parts.Contains(used) && !PartTable.MayUse(part.Key, used)
        select (file, part.Key, used);

    private static bool IsType(string part, string name) => TypesOfParts.TryGetValue(part, out var types) && types.Contains(name);
}
