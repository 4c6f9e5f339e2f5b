# OpenOCD's part of `make jtag`, the same for both Pis: boards/rpi3/openocd.cfg, boards/rpi4/openocd.cfg source it with
# CHIP, the name of the chip's targets, and PM, the address of its power manager, set. Not seen on hardware.
#
# The cores have no reset of their own on JTAG. A program begins as the firmware would begin it: core 0 at its first
# instruction at EL2, the others in the firmware's loop, from where it calls them. That is the state on a card made by
# `make sdcard JTAG=1`, whose kernel is an endless loop. From any other state the watchdog starts the board anew, and
# the firmware loads that loop again.

proc cpus {} {
    global CHIP
    return [list $CHIP.cpu0 $CHIP.cpu1 $CHIP.cpu2 $CHIP.cpu3]
}

# One target of four cores: they halt and resume together, and are gdb's four threads.
proc one_target_of_four {} {
    foreach cpu [cpus] {
        $cpu configure -rtos hwthread
    }
    eval target smp [cpus]
    targets [lindex [cpus] 0]
    # Text is read-only, for the core that a debugger writes through as well.
    gdb_breakpoint_override hard
}

proc stop_all {} {
    targets [lindex [cpus] 0]
    halt
    foreach cpu [cpus] {
        $cpu arp_waitstate halted 2000
    }
}

# The exception level of a halted core.
proc level {cpu} {
    array set got [$cpu get_reg cpsr]
    return [expr {($got(cpsr) >> 2) & 3}]
}

proc untouched {} {
    foreach cpu [cpus] {
        if {[level $cpu] != 2} {
            return 0
        }
    }
    return 1
}

# drivers/pi_pm.c: ten ticks of the watchdog, then all begins anew.
proc start_anew {} {
    global PM
    set cpu [lindex [cpus] 0]
    echo "jtag: a program runs; the watchdog starts the board anew"
    $cpu mww phys [expr {$PM + 0x24}] 0x5a00000a
    catch {$cpu mww phys [expr {$PM + 0x1c}] 0x5a000020}
    for {set try 0} {$try < 20} {incr try} {
        sleep 500
        if {![catch {
            jtag arp_init
            foreach each [cpus] {
                $each arp_examine
            }
            stop_all
        }] && [untouched]} {
            return
        }
    }
    error "jtag: the board has not come back: is its card one of `make sdcard JTAG=1`?"
}

# Halts all four, loads image at address, lets all four go: core 0 in the program. x0 is still what the firmware gave.
proc bareloom_load {image address} {
    stop_all
    if {![untouched]} {
        start_anew
    }
    set cpu [lindex [cpus] 0]
    load_image $image $address bin
    $cpu set_reg [list pc $address]
    resume
    echo "jtag: started; now, in another terminal: make gdb-jtag"
}
