/* <bareloom.h> - all of Bareloom's public interface. */
#pragma once

#include <bareloom/base.h>
#include <bareloom/chan.h>
#include <bareloom/console.h>
#include <bareloom/ctx.h>
#include <bareloom/defer.h>
#include <bareloom/event.h>
#include <bareloom/flight.h>
#include <bareloom/framebuffer.h>
#include <bareloom/go.h>
#include <bareloom/gpio.h>
#include <bareloom/group.h>
#include <bareloom/info.h>
#include <bareloom/irq.h>
#include <bareloom/limit.h>
#include <bareloom/once.h>
#include <bareloom/random.h>
#include <bareloom/select.h>
#include <bareloom/sync.h>
#include <bareloom/task.h>
#include <bareloom/time.h>
#include <bareloom/trace.h>
#include <bareloom/typed.h>
#include <bareloom/watchdog.h>
