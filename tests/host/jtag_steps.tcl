# tests/host/jtag.sh: what tools/jtag.tcl does to the cores, in their place commands that only note it. EL: the level at
# which they are found; each start of the board brings them back to EL2.
set steps {}
foreach cpu [cpus] {
    proc $cpu {verb args} "note $cpu \$verb \$args"
}
proc note {cpu verb arguments} {
    global steps EL
    if {$verb eq "get_reg"} {
        return [list cpsr [expr {0x3c1 | ($EL << 2)}]]
    }
    if {$verb eq "mww" && [lindex $arguments 2] eq "0x5a000020"} {
        set EL 2
    }
    lappend steps "$cpu $verb $arguments"
}
foreach verb {halt resume load_image targets} {
    proc $verb {args} "global steps; lappend steps \"$verb \$args\""
}
proc sleep {ms} {}
proc jtag {args} {
    global steps
    lappend steps "jtag $args"
}
bareloom_load /image 0x80000
foreach step $steps {
    echo "step: [string trim $step]"
}
