# Lists the machines of the office and writes a report.
param([string]$OutFile = "inventory.csv")

$computers = Get-Content -Path "machines.txt"
$rows = foreach ($name in $computers) {
    $system = Get-CimInstance -ClassName Win32_OperatingSystem -ComputerName $name
    [pscustomobject]@{
        Name    = $name
        Version = $system.Version
        Memory  = [math]::Round($system.TotalVisibleMemorySize / 1MB, 1)
    }
}
$rows | Sort-Object Name | Export-Csv -Path $OutFile -NoTypeInformation
Write-Output "$($rows.Count) machines written to $OutFile"
